/**
 * A user's life, against a running gateway: signs in, redeems a code, makes a token, calls with it, sees the call come
 * by subscription, finds it in the list, asks for too much, and signs out. What happened is written as one line of JSON.
 */
import { Client, OperationFailed } from "./client.js";
import {
  CodeRedeemDocument,
  MeDocument,
  RequestLogsDocument,
  RequestLogTailDocument,
  SignInDocument,
  SignOutDocument,
  TokenCreateDocument,
  TokensDocument,
} from "./generated.js";
import type { CallFragment, FailureFragment } from "./generated.js";

const SECONDS = 30;
/** Between two calls, while it is not yet followed what becomes of them. */
const PAUSE = 1000;

function given(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new Error(`${name} is not set`);
  }
  return value;
}

/** What a mutation made; failures in its payload are raised. */
function made<T>(value: T | null | undefined, errors: readonly FailureFragment[]): T {
  if (errors.length > 0 || value === null || value === undefined) {
    throw new Error(errors.map((each) => each.code).join(", ") || "nothing was made");
  }
  return value;
}

async function call(url: string, token: string, model: string): Promise<{ id: string; said: string }> {
  const response = await fetch(new URL("/v1/chat/completions", url), {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Say hello." }] }),
  });
  if (!response.ok) {
    throw new Error(`the call was answered ${response.status}: ${await response.text()}`);
  }
  const answer = (await response.json()) as { choices: { message: { content: string } }[] };
  return { id: response.headers.get("x-request-id") ?? "", said: answer.choices[0]?.message.content ?? "" };
}

/** Call again and again until a call of these is seen: the first may have ended before anybody followed. */
async function seen(client: Client, again: () => Promise<{ id: string; said: string }>): Promise<[CallFragment, string]> {
  const said = new Map<string, string>();
  async function callOnce(): Promise<void> {
    const { id, said: words } = await again();
    said.set(id, words);
  }
  let failed: unknown;
  const leaving = new AbortController();
  const timer = setInterval(() => void callOnce().catch((error: unknown) => leaving.abort((failed = error))), PAUSE);
  try {
    const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(SECONDS * 1000)]);
    for await (const { requestLogTail } of client.follow(RequestLogTailDocument, {}, signal)) {
      for (const log of requestLogTail.logs) {
        const words = said.get(log.requestId);
        if (words !== undefined) {
          return [log, words];
        }
      }
    }
    throw new Error("the subscription ended");
  } catch (error) {
    throw failed ?? error;
  } finally {
    clearInterval(timer);
  }
}

/** What somebody was refused with. */
async function refused(ask: () => Promise<unknown>): Promise<OperationFailed> {
  try {
    await ask();
  } catch (error) {
    if (error instanceof OperationFailed) {
      return error;
    }
    throw error;
  }
  throw new Error("it was not refused");
}

async function live(): Promise<object> {
  const url = given("CLINX_URL");
  const client = new Client(url);
  const { signIn } = await client.execute(SignInDocument, {
    input: { login: given("CLINX_LOGIN"), password: given("CLINX_PASSWORD") },
  });
  const viewer = made(signIn.viewer, signIn.errors);

  const { codeRedeem } = await client.execute(CodeRedeemDocument, { input: { code: given("CLINX_CODE") } });
  const redeemed = made(codeRedeem.amount, codeRedeem.errors);

  const { tokenCreate } = await client.execute(TokenCreateDocument, {
    input: { idempotencyKey: crypto.randomUUID(), name: "laptop" },
  });
  const token = made(tokenCreate.token, tokenCreate.errors);
  const secret = made(tokenCreate.secret, tokenCreate.errors);

  const [log, said] = await seen(client, () => call(url, secret, given("CLINX_MODEL")));

  const since = new Date(Date.now() - 3_600_000).toISOString();
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const { requestLogs } = await client.execute(RequestLogsDocument, { first: 50, filter: { since, until } });
  const listed = requestLogs.edges.some((edge) => edge.node.requestId === log.requestId);

  const { tokens } = await client.execute(TokensDocument, { first: 10 });

  const { code, parameters, path, requestId } = await refused(() =>
    client.execute(RequestLogsDocument, { first: 201, filter: { since, until } }),
  );

  const { signOut } = await client.execute(SignOutDocument);
  made(signOut.done, signOut.errors);
  const { viewer: nobody } = await client.execute(MeDocument);

  return {
    name: viewer.user.name,
    redeemed,
    token: token.name,
    said,
    charge: log.charge,
    quote: log.quote?.lines.map((line) => line.amount),
    listed,
    tokens: tokens.edges.map((edge) => edge.node.name),
    refused: { code, parameters, path, isNamed: (requestId ?? "").startsWith("req_") },
    signedOut: nobody === null,
  };
}

console.log(JSON.stringify(await live()));
