/**
 * A typed client of the console API: `fetch` for queries and mutations, server-sent events for subscriptions.
 *
 * In a browser the session is the cookie that the browser keeps. Elsewhere nobody keeps cookies, so the client does.
 */
import type { TypedDocumentString } from "./generated.js";

export interface Failure {
  readonly code: string;
  readonly message: string;
  /** What belongs into the words of it: `permission`, `most`, `retry_after`. */
  readonly parameters: Readonly<Record<string, string | number>>;
  /** Where it stands: a field of the answer, or the value of a variable that could not be read. */
  readonly path: readonly (string | number)[];
  /** Of a failure on the server's side: what its log is searched for. */
  readonly requestId?: string;
}

/** An operation was refused: `code` is stable, `message` is for developers. */
export class OperationFailed extends Error {
  readonly code: string;
  readonly parameters: Failure["parameters"];
  readonly path: Failure["path"];
  readonly requestId: string | undefined;

  /** `partial` is what was answered all the same: fields that one may not see are null there. */
  constructor(
    readonly failures: readonly Failure[],
    readonly partial: unknown = null,
    requestId?: string,
  ) {
    super(failures.map((each) => `${each.code}: ${each.message}`).join("; "));
    const first = failures[0];
    this.name = "OperationFailed";
    this.code = first?.code ?? "internal";
    this.parameters = first?.parameters ?? {};
    this.path = first?.path ?? [];
    this.requestId = first?.requestId ?? requestId;
  }
}

/** The arguments of an operation: none for one without variables. */
type Given<Variables> = Record<string, never> extends Variables ? [variables?: Variables] : [variables: Variables];

interface Told {
  readonly message: string;
  readonly path?: Failure["path"];
  readonly extensions?: {
    readonly code?: string;
    readonly parameters?: Failure["parameters"];
    readonly path?: Failure["path"];
    readonly requestId?: string;
  };
}

interface Answer<Result> {
  readonly data?: Result | null;
  readonly errors?: readonly Told[];
  readonly extensions?: { readonly requestId?: string };
}

interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

export interface Options {
  /** An access key, for programs that are nobody's browser. */
  readonly accessKey?: string;
}

export class Client {
  private readonly endpoint: string;
  private cookie = "";

  constructor(
    private readonly url: string,
    private readonly options: Options = {},
  ) {
    this.endpoint = new URL("/graphql", url).href;
  }

  /** Ask or change something. */
  async execute<Result, Variables>(
    document: TypedDocumentString<Result, Variables>,
    ...[variables]: Given<Variables>
  ): Promise<Result> {
    const response = await this.post(document.toString(), variables, "application/json");
    return dataOf((await response.json()) as Answer<Result>);
  }

  /** Follow a subscription until it ends; leaving the loop, or the signal, ends it too. */
  async *follow<Result, Variables>(
    document: TypedDocumentString<Result, Variables>,
    variables: Variables,
    signal?: AbortSignal,
  ): AsyncGenerator<Result, void, undefined> {
    const leaving = new AbortController();
    const signals = signal === undefined ? leaving.signal : AbortSignal.any([signal, leaving.signal]);
    const response = await this.post(document.toString(), variables, "text/event-stream", signals);
    try {
      if (response.body === null || !isEvents(response)) {
        dataOf((await response.json()) as Answer<Result>);
        throw new Error(`the server answered ${response.status} without events`);
      }
      for await (const event of eventsOf(response.body)) {
        if (event.name === "complete") {
          return;
        }
        yield dataOf(JSON.parse(event.data) as Answer<Result>);
      }
      throw new Error("the connection was lost before the subscription ended");
    } finally {
      leaving.abort();
    }
  }

  /** Fetch a file of the console, such as an export, by the path that an operation told. */
  async download(path: string): Promise<string> {
    const response = await fetch(new URL(path, this.url), { credentials: "include", headers: this.headers() });
    if (!response.ok) {
      dataOf((await response.json()) as Answer<never>);
    }
    return await response.text();
  }

  private async post(query: string, variables: unknown, accept: string, signal?: AbortSignal): Promise<Response> {
    const response = await fetch(this.endpoint, {
      method: "POST",
      credentials: "include",
      headers: { ...this.headers(), "Content-Type": "application/json", Accept: accept },
      body: JSON.stringify({ query, variables: variables ?? {} }),
      ...(signal === undefined ? {} : { signal }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      this.cookie = cookie.split(";", 1)[0] ?? "";
    }
    return response;
  }

  private headers(): Record<string, string> {
    return {
      ...(this.cookie === "" ? {} : { Cookie: this.cookie }),
      ...(this.options.accessKey === undefined ? {} : { Authorization: `Bearer ${this.options.accessKey}` }),
    };
  }
}

function dataOf<Result>(answer: Answer<Result>): Result {
  const requestId = answer.extensions?.requestId;
  if (answer.errors !== undefined && answer.errors.length > 0) {
    throw new OperationFailed(answer.errors.map(failureOf), answer.data ?? null, requestId);
  }
  if (answer.data === undefined || answer.data === null) {
    const nothing = { code: "internal", message: "the answer holds no data", parameters: {}, path: [] };
    throw new OperationFailed([nothing], null, requestId);
  }
  return answer.data;
}

function failureOf(told: Told): Failure {
  const { code = "internal", parameters = {}, path = told.path ?? [], requestId } = told.extensions ?? {};
  return { code, message: told.message, parameters, path, ...(requestId === undefined ? {} : { requestId }) };
}

function isEvents(response: Response): boolean {
  return (response.headers.get("Content-Type") ?? "").startsWith("text/event-stream");
}

/** Split a stream of bytes into its events; comments, which only show that somebody is there, are left out. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void, undefined> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of piecesOf(body)) {
    rest += decoder.decode(bytes, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== undefined) {
        yield event;
      }
    }
  }
}

/** Read a stream piece by piece: not every browser can be asked to iterate over one. */
async function* piecesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      yield read.value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function eventOf(block: string): ServerEvent | undefined {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [field, value] = fieldOf(line);
    if (field === "event") {
      name = value;
    } else if (field === "data") {
      data.push(value);
    }
  }
  return data.length === 0 ? undefined : { name, data: data.join("\n") };
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(":");
  return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}
