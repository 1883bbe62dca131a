// Run as `node served_by_node.mjs PLAIN SECURE CERTIFICATE`; what is served is told in `served_by_aiohttp.py`.
// Beyond that there are `/interim` (three interim answers before the final one) and `/trailers`.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";

const [plain, secure, certificate] = process.argv.slice(2);
const big = Buffer.alloc(4 << 20, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
const left = new Set();
const waiting = new Map();

function leave(name) {
  left.add(name);
  waiting.get(name)?.();
}

function sized(response, body, status = 200, headers = {}) {
  response.writeHead(status, { "Content-Length": Buffer.byteLength(body), ...headers });
  response.end(body);
}

const answers = {
  sized: (request, response) => sized(response, "ok"),
  chunked(request, response) {
    for (const number of [0, 1, 2]) response.write(`piece ${number}\n`);
    response.end();
  },
  empty: (request, response) => response.writeHead(204).end(),
  missing: (request, response) => sized(response, '{"error": "missing"}', 404),
  big: (request, response) => sized(response, big),
  echo: (request, response, body) => sized(response, createHash("sha256").update(body).digest("hex")),
  port: (request, response) => sized(response, String(request.socket.remotePort)),
  alpn: (request, response) => sized(response, String(request.socket.alpnProtocol)),
  close: (request, response) => sized(response, "ok", 200, { Connection: "close" }),
  interim(request, response) {
    response.writeContinue();
    response.writeProcessing();
    response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
    sized(response, "ok");
  },
  trailers(request, response) {
    response.writeHead(200, { Trailer: "X-Sum" });
    response.write("ok");
    response.addTrailers({ "X-Sum": "2" });
    response.end();
  },
  cut(request, response, body, how) {
    response.writeHead(200, how === "sized" ? { "Content-Length": 100 } : {});
    response.write("partial", () => request.socket.end());
  },
  stream(request, response, body, name) {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write("data: 0\n\n");
    response.on("close", () => leave(name));
  },
  left(request, response, body, name) {
    if (left.has(name)) sized(response, "left");
    else waiting.set(name, () => sized(response, "left"));
  },
};

function serve(request, response) {
  const [, kind, rest] = request.url.split("/");
  if (kind === "early") {
    sized(response, "too much", 413);
    return;
  }
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => answers[kind](request, response, Buffer.concat(pieces), rest));
}

const pem = readFileSync(certificate);
for (const [server, descriptor] of [
  [createServer(serve), plain],
  [createSecureServer({ cert: pem, key: pem, ALPNProtocols: ["http/1.1"] }, serve), secure],
]) {
  server.keepAliveTimeout = 60_000;
  server.listen({ fd: Number(descriptor) });
}
