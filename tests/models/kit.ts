/** A small model to change, and files to write its variants into. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Parts of the model that tests replace. */
export type Parts = {
  readonly clerk?: string;
  readonly extraRoles?: string;
  readonly notes?: string;
  readonly levels?: string;
  readonly notesIn?: string;
  readonly governance?: string;
  readonly title?: string;
};

export const modelText = ({
  clerk = '{ permissions: ["clients:read", "notes:read"] }',
  extraRoles = '  guard: { permissions: ["organizations:read"] }\n',
  notes = "[read, write]",
  levels = "{ viewer: [read], editor: [read, write] }",
  notesIn = "[organization, client, notes]",
  governance = "  notes:write: { class: human, approvals: { required: 2, expires_in: 1h } }\n",
  title = "Notes",
}: Parts = {}): string => `title: ${title}
perimeters:
  organization: { collection: organizations }
  client: { collection: clients, in: [organization] }
  account: { collection: accounts, in: [client] }
resources:
  notes: { in: ${notesIn}, actions: ${notes}, levels: ${levels} }
roles:
  owner: { title: Owner, permissions: ["*"] }
  clerk: ${clerk}
${extraRoles}governance:
${governance}`;

export type Folder = {
  /** Writes a variant of the model, and answers with its path. */
  model(name: string, parts?: Parts): Promise<string>;
  file(name: string, text: string): Promise<string>;
  remove(): Promise<void>;
};

export const openFolder = async (): Promise<Folder> => {
  const folder = await mkdtemp(join(tmpdir(), "countersign-models-"));
  const file: Folder["file"] = async (name, text) => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };
  return {
    file,
    model: (name, parts) => file(`${name}.yaml`, modelText(parts)),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};
