/**
 * A browser without scripts: cookies, redirects within one origin, and forms that are filled in by the names of their fields. Pages are
 * read as text: what a form sends is what its markup says, hidden fields included.
 *
 *     const browser = openBrowser(deployment.issuer);
 *     await browser.get("/sign-in");
 *     await browser.submit({ email: "ada@acme.example" });
 *     await browser.submit({ password: "…" });
 */
import assert from "node:assert/strict";
import { type Answer, formOf, type Sent, send } from "../oauth/http.ts";

export type Page = Answer & {
  /** Where it was found, after redirects. */
  readonly url: string;
  /** Where it wanted to send the browser that is not this origin: a client's redirect URI. */
  readonly leftFor: string | undefined;
};

export type Form = {
  readonly action: string;
  readonly method: "GET" | "POST";
  readonly fields: Readonly<Record<string, string>>;
};

export type Browser = {
  readonly page: () => Page;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Page>;
  post(path: string, fields: Readonly<Record<string, string | readonly string[]>>): Promise<Page>;
  /** Sends the page's form whose fields include all of these; or, by `action`, the one that goes there. */
  submit(fields?: Readonly<Record<string, string>>, action?: string): Promise<Page>;
  forms(): readonly Form[];
  readonly cookies: Map<string, string>;
};

const redirectsMax = 10;

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#x27": "'" };
const unescaped = (text: string): string =>
  text.replaceAll(/&([a-z]+|#x?[0-9a-f]+);/gi, (whole, name: string) => entities[name.toLowerCase()] ?? whole);

const attribute = (tag: string, name: string): string | undefined => {
  const found = new RegExp(`\\s${name}=(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, "i").exec(tag);
  const value = found?.[1] ?? found?.[2] ?? found?.[3];
  return value === undefined ? undefined : unescaped(value);
};

/** Inputs, chosen options, text areas; of buttons none, since which is pressed is for the caller to say. */
const fieldsOf = (inside: string): Readonly<Record<string, string>> => {
  const fields: Record<string, string> = {};
  for (const [tag] of inside.matchAll(/<(?:input|textarea)\b[^>]*>/gi)) {
    const name = attribute(tag, "name");
    const type = attribute(tag, "type") ?? "text";
    if (name === undefined || type === "submit" || type === "button") continue;
    if ((type === "checkbox" || type === "radio") && !/\schecked\b/i.test(tag)) continue;
    fields[name] = attribute(tag, "value") ?? (type === "checkbox" ? "on" : "");
  }
  for (const [, head = "", options = ""] of inside.matchAll(/<select\b([^>]*)>(.*?)<\/select>/gis)) {
    const name = attribute(` ${head}`, "name");
    const tags = [...options.matchAll(/<option\b[^>]*>/gi)].map(([tag]) => tag);
    const chosen = tags.find((tag) => /\sselected\b/i.test(tag)) ?? tags[0];
    if (name !== undefined && chosen !== undefined) fields[name] = attribute(chosen, "value") ?? "";
  }
  return fields;
};

/** Every form of a page. */
export const formsIn = (html: string): readonly Form[] =>
  [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, head = "", inside = ""]) => ({
    action: attribute(` ${head}`, "action") ?? "",
    method: attribute(` ${head}`, "method")?.toUpperCase() === "GET" ? "GET" : "POST",
    fields: fieldsOf(inside),
  }));

/** `origin` is the issuer; `reach` where it is served, if a test asks another process than the one the name stands for. */
export const openBrowser = (issuer: string, reach: string = issuer): Browser => {
  const { origin } = new URL(issuer);
  const cookies = new Map<string, string>();
  const state: { page: Page | undefined } = { page: undefined };

  const once = async (url: string, sent: Sent): Promise<Answer> => {
    const at = new URL(url);
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
    const answer = await send(new URL(at.pathname + at.search, reach).href, {
      ...sent,
      headers: { host: at.host, accept: "text/html", ...sent.headers, ...(cookie === "" ? {} : { cookie }) },
    });
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [pair = "", ...attributes] = line.split(";");
      const equals = pair.indexOf("=");
      const dropped = attributes.some((one) => /^\s*max-age=0$/i.test(one));
      if (dropped) cookies.delete(pair.slice(0, equals));
      else cookies.set(pair.slice(0, equals), pair.slice(equals + 1));
    }
    return answer;
  };

  const go = async (url: string, sent: Sent): Promise<Page> => {
    // A form's own headers are not sent on; what the browser always says is.
    const { "content-type": _type, ...always } = sent.headers ?? {};
    let at = new URL(url, state.page?.url ?? issuer).href;
    let answer = await once(at, sent);
    for (let hops = 0; answer.status >= 300 && answer.status < 400; hops++) {
      assert.ok(hops < redirectsMax, `more than ${redirectsMax} redirects, the last to ${at}`);
      const next = new URL(answer.headers.location ?? "", at);
      if (next.origin !== origin) return (state.page = { ...answer, url: at, leftFor: next.href });
      at = next.href;
      answer = await once(at, { headers: always });
    }
    return (state.page = { ...answer, url: at, leftFor: undefined });
  };

  const current = (): Page => state.page ?? assert.fail("no page has been opened yet");

  const browser: Browser = {
    page: current,
    cookies,
    get: (path, headers = {}) => go(path, { headers }),
    post: (path, fields) => go(path, formOf(fields)),
    forms: () => formsIn(current().text),
    submit: (fields = {}, action) => {
      const page = current();
      const forms = formsIn(page.text);
      const form = forms.find((one) =>
        action === undefined
          ? Object.keys(fields).every((name) => Object.hasOwn(one.fields, name)) && one.method === "POST"
          : new URL(one.action, page.url).pathname.endsWith(action),
      );
      if (form === undefined)
        assert.fail(
          `${page.url} has no form with ${Object.keys(fields).join(", ")}${action ?? ""}: ${page.text.slice(0, 2_000)}`,
        );
      const filled = { ...form.fields, ...fields };
      const target = new URL(form.action, page.url);
      if (form.method === "POST") return go(target.href, formOf(filled));
      target.search = new URLSearchParams(filled).toString();
      return go(target.href, {});
    },
  };
  return browser;
};
