/**
 * What forms are made of. Every input has a label; what is wrong with it is said beside it and read out with it; everything works with
 * the keyboard and without scripts.
 */
import { formField } from "../sessions/csrf.ts";
import { attributes, html, type Html, type Part } from "./html.ts";

export type Field = {
  readonly name: string;
  readonly label: string;
  readonly type?: "text" | "email" | "password" | "search" | "url" | "date" | "datetime-local";
  readonly value?: string | undefined;
  /** What is wrong with what was sent. */
  readonly error?: string | undefined;
  readonly hint?: string | undefined;
  /** WHATWG autofill detail tokens: `username webauthn`, `current-password`, `one-time-code`, … */
  readonly autocomplete?: string;
  /** True unless said otherwise. */
  readonly required?: boolean;
  readonly autofocus?: boolean;
  readonly maxlength?: number;
  readonly minlength?: number;
  readonly inputmode?: "text" | "numeric" | "email" | "search";
  /** Codes: wide-spaced digits. */
  readonly look?: "code";
  /** Where one page has two inputs of one name. */
  readonly id?: string;
};

/** Never longer than what the server reads. */
const lengthMax = 320;

export const field = (one: Field): Html => {
  const { name, label, type = "text", value, error, hint, required = true, id = name } = one;
  const described = [hint === undefined ? "" : `${id}-hint`, error === undefined ? "" : `${id}-error`].filter(Boolean);
  return html`<div class="field">
<label for="${id}">${label}</label>
${hint === undefined ? "" : html`<p class="hint" id="${id}-hint">${hint}</p>`}
<input${attributes({
    id,
    name,
    type,
    value: type === "password" ? undefined : value,
    class: one.look,
    autocomplete: one.autocomplete ?? "off",
    inputmode: one.inputmode,
    maxlength: one.maxlength ?? lengthMax,
    minlength: one.minlength,
    required,
    autofocus: one.autofocus ?? error !== undefined,
    autocapitalize: type === "text" && one.look === undefined ? undefined : "none",
    spellcheck: "false",
    "aria-invalid": error === undefined ? undefined : "true",
    "aria-describedby": described.length === 0 ? undefined : described.join(" "),
  })}>
${error === undefined ? "" : html`<p class="error" id="${id}-error">${error}</p>`}
</div>`;
};

export type Choice = {
  readonly name: string;
  readonly label: Part;
  readonly value?: string;
  readonly checked?: boolean;
  readonly hint?: string | undefined;
  readonly id?: string;
  readonly disabled?: boolean;
};

const choiceOf =
  (type: "checkbox" | "radio") =>
  ({ name, label, value = "on", checked = false, hint, id, disabled }: Choice): Html => {
    const own = id ?? (type === "radio" ? `${name}-${value}` : name);
    return html`<div class="choice">
<input${attributes({ type, id: own, name, value, checked, disabled, "aria-describedby": hint === undefined ? undefined : `${own}-hint` })}>
<label for="${own}">${label}</label>
${hint === undefined ? "" : html`<p class="hint" id="${own}-hint">${hint}</p>`}
</div>`;
  };

export const checkbox = choiceOf("checkbox");
export const radio = choiceOf("radio");

export type Option = { readonly value: string; readonly label: string };

export const select = (one: {
  readonly name: string;
  readonly label: string;
  readonly options: readonly Option[];
  readonly value?: string | undefined;
  readonly hint?: string;
}): Html => html`<div class="field">
<label for="${one.name}">${one.label}</label>
${one.hint === undefined ? "" : html`<p class="hint" id="${one.name}-hint">${one.hint}</p>`}
<select${attributes({ id: one.name, name: one.name, "aria-describedby": one.hint === undefined ? undefined : `${one.name}-hint` })}>${one.options.map(
  ({ value, label }) => html`<option${attributes({ value, selected: value === one.value })}>${label}</option>`,
)}</select>
</div>`;

export type ButtonOptions = {
  /** `primary` unless said otherwise. `quiet` for what is beside the point, `danger` for what ends something. */
  readonly look?: "primary" | "quiet" | "danger" | "link";
  readonly name?: string;
  readonly value?: string;
  /** Shown by the script that makes it work. */
  readonly hidden?: boolean;
  /** Leaves out the browser's own checks: for a way out of the form. */
  readonly novalidate?: boolean;
  readonly id?: string;
  readonly type?: "submit" | "button";
  /** What it does to which thing, where the text alone does not say. Begins with the text (WCAG 2.5.3). */
  readonly label?: string;
};

export const button = (text: string, options: ButtonOptions = {}): Html =>
  html`<button${attributes({
    type: options.type ?? "submit",
    id: options.id,
    class: options.look ?? "primary",
    name: options.name,
    value: options.value,
    hidden: options.hidden,
    formnovalidate: options.novalidate,
    "aria-label": options.label,
  })}>${text}</button>`;

/** A link that looks like a button. */
export const buttonLink = (href: string, text: string, look: "primary" | "quiet" = "quiet"): Html =>
  html`<a class="button ${look}" href="${href}">${text}</a>`;

export const hidden = (name: string, value: string | undefined): Html =>
  value === undefined || value === "" ? html`` : html`<input type="hidden" name="${name}" value="${value}">`;

export type FormOptions = {
  /** Where it is posted. */
  readonly action: string;
  /** Made by `formToken`; every form that changes something has one. */
  readonly token: string;
  /** Carried along unseen: `request`, ids. */
  readonly carried?: Readonly<Record<string, string | undefined>>;
  readonly id?: string;
  readonly class?: string;
  /** Data for the page's script. */
  readonly data?: Readonly<Record<`data-${string}`, string | undefined>>;
  readonly body: Part;
};

export const form = ({ action, token, carried = {}, id, class: look, data = {}, body }: FormOptions): Html =>
  html`<form${attributes({ method: "post", action, id, class: look, ...data })}>
${hidden(formField, token)}${Object.entries(carried).map(([name, value]) => hidden(name, value))}
${body}
</form>`;

export type PasskeyForm = Omit<FormOptions, "body" | "data"> & {
  /** `get` asks for a passkey there is, `create` makes one. */
  readonly kind: "get" | "create";
  /** What `passkeyRequestOptions` or `passkeyCreationOptions` gave. */
  readonly options: object;
  /** Whether browsers may offer passkeys in the page's input with `autocomplete="… webauthn"`. */
  readonly autofill?: boolean;
  readonly label: string;
  /** Said where the browser gave none. */
  readonly failed: string;
  readonly look?: "primary" | "quiet";
  /** Fields above the button: a name for the new passkey. */
  readonly body?: Part;
};

/** Passkeys need a script (assets/passkeys.js), which shows the form; the page names it with `script: "passkeys"`. */
export const passkeyForm = (one: PasskeyForm): Html =>
  html`<form${attributes({
    method: "post",
    action: one.action,
    id: one.id,
    class: one.class ?? "passkey",
    hidden: true,
    "data-passkey": one.kind,
    "data-options": JSON.stringify(one.options),
    "data-autofill": one.autofill === true ? "on" : undefined,
  })}>
${hidden(formField, one.token)}${Object.entries(one.carried ?? {}).map(([name, value]) => hidden(name, value))}
<input type="hidden" name="response">
<div class="notice error" role="alert" data-failed hidden><p>${one.failed}</p></div>
${one.body}
${button(one.label, { look: one.look ?? "quiet" })}
</form>`;

/** A search or filter: a GET, so its result has an address. */
export const searchForm = ({ action, carried = {}, body }: Omit<FormOptions, "token">): Html =>
  html`<form${attributes({ method: "get", action, role: "search", class: "search" })}>
${Object.entries(carried).map(([name, value]) => hidden(name, value))}
${body}
</form>`;

/** Buttons in a row, the first one the one that is meant. */
export const actions = (...buttons: readonly Part[]): Html => html`<div class="actions">${buttons}</div>`;

/** `error` and `done` are read out as soon as the page is there. */
export const notice = (kind: "error" | "done" | "info" | "warning", body: Part): Html =>
  html`<div class="notice ${kind}"${attributes({ role: kind === "error" ? "alert" : kind === "done" ? "status" : undefined })}>${
    typeof body === "string" ? html`<p>${body}</p>` : body
  }</div>`;

/** A section of a wide page. */
export const section = (id: string, heading: string, body: Part): Html =>
  html`<section aria-labelledby="${id}"><h2 id="${id}">${heading}</h2>${body}</section>`;

/** Rows of a thing, what it says, and what can be done with it. */
export type Row = {
  readonly title: Part;
  readonly details?: readonly Part[];
  readonly badge?: string | undefined;
  readonly actions?: Part;
};
export const list = (rows: readonly Row[]): Html =>
  html`<ul class="rows">${rows.map(
    ({ title, details = [], badge, actions: buttons }) => html`<li>
<div class="what"><p class="title">${title}${badge === undefined ? "" : html` <span class="badge">${badge}</span>`}</p>${details.map(
      (detail) => html`<p class="detail">${detail}</p>`,
    )}</div>
${buttons === undefined ? "" : html`<div class="doing">${buttons}</div>`}
</li>`,
  )}</ul>`;

/** Names and values. */
export const facts = (pairs: readonly (readonly [name: string, value: Part])[]): Html =>
  html`<dl class="facts">${pairs.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

export const link = (href: string, text: string): Html => html`<a href="${href}">${text}</a>`;

/** Ways out at a card's end: no account yet, forgot the password. */
export const alternatives = (...links: readonly Part[]): Html =>
  html`<div class="alternatives">${links.map((one) => (one === undefined || one === false || one === "" ? "" : html`<p>${one}</p>`))}</div>`;
