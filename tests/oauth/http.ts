/** The plainest HTTP client there is: what it is told to send is sent, and what comes back is shown, header by header. */
import { Agent, type IncomingHttpHeaders, request } from "node:http";

export type Sent = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The address of this machine's to send it from, where it matters which. */
  readonly from?: string;
};

export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON. Throws where it is none, with what it was. */
  json<Body = Readonly<Record<string, unknown>>>(): Body;
};

/** One for all: connections are kept, and none of them keeps a test's process alive. */
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** A server that is not there is an error, and so is one that hangs up. */
export const send = (url: string, { method = "GET", headers = {}, body = "", from }: Sent = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const length = body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const local = from === undefined ? {} : { localAddress: from };
    const outgoing = request(url, { method, agent, headers: { ...length, ...headers }, ...local }, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8").on("data", (part: string) => void (text += part));
      incoming
        .once("error", reject)
        .once("end", () => resolve(answerOf(incoming.statusCode ?? 0, incoming.headers, text)));
    });
    outgoing.once("error", reject).end(body);
  });

const answerOf = (status: number, headers: IncomingHttpHeaders, text: string): Answer => ({
  status,
  headers,
  text,
  json: <Body>() => {
    try {
      return JSON.parse(text) as Body;
    } catch {
      throw new Error(`not JSON, with status ${status}: ${text.slice(0, 500)}`);
    }
  },
});

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** RFC 6749 §2.3.1. */
export const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")}`,
});

/** A form, with a parameter for each value of an array. */
export const formOf = (fields: Readonly<Record<string, string | readonly string[]>>): Sent => {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value]] : value.map((one) => [name, one]),
  );
  return {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(pairs).toString(),
  };
};
