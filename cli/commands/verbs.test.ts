import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { allOperations } from "../../server/route-table.ts";
import { loadModel } from "../../server/startup/access-model.ts";
import { optionOf } from "./fields.ts";
import { collectionOf, type Verb, verbOf } from "./verb.ts";
import { verbsFor } from "./verbs.ts";

const models = fileURLToPath(new URL("../../models/", import.meta.url));

/** Everything a verb's help says and its request is made of. */
const shown = (verbs: readonly Verb[] | undefined) =>
  (verbs ?? assert.fail("the verbs are known")).map(({ fields, ...verb }) => ({
    ...verb,
    fields: fields.map(({ schema, ...field }) => {
      const { flags, description } = optionOf({ ...field, schema });
      return { ...field, flags, description };
    }),
  }));

const withModel = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  process.env["COUNTERSIGN_MODEL"] = file;
  try {
    return await work();
  } finally {
    delete process.env["COUNTERSIGN_MODEL"];
  }
};

for (const name of ["default", "b2b2x"]) {
  const file = join(models, `${name}.yaml`);
  test(`with models/${name}.yaml every collection has the verbs its operations declare`, async () => {
    const declared = shown(allOperations(loadModel(file).model).map(verbOf));
    assert.ok(declared.length > 40);
    await withModel(file, async () => {
      assert.deepEqual(shown(await verbsFor(undefined)), declared);
      for (const collection of new Set(declared.map(collectionOf)))
        assert.deepEqual(
          shown(await verbsFor(collection)).filter((verb) => collectionOf(verb) === collection),
          declared.filter((verb) => collectionOf(verb) === collection),
        );
    });
  });
}

test("a copy of the shipped model that was edited has its own collections, and not the shipped one's", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "countersign-verbs-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "default.yaml");
  const text = await readFile(join(models, "default.yaml"), "utf8");
  await writeFile(file, text.replaceAll(/(?<!-)accounts/g, "branches"));
  const collections = await withModel(file, async () => new Set((await verbsFor("branches"))?.map(collectionOf)));
  assert.ok(collections.has("branches"));
  assert.ok(!collections.has("accounts"));
});

test("where the settings or the model are wrong, no verbs of the model are known", async () => {
  assert.equal(await withModel("/nowhere.yaml", () => verbsFor("organizations")), undefined);
});
