// SPDX-License-Identifier: MIT
//
// plugin: answers /api/v1 while the page is worked on, with the headers that left4me-web sets, so
// that what its policy forbids fails here as well. POST /api/v1/mock/expire ends the session.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "vite";
import { Refusal, type Call } from "./call";
import { operations } from "./operations";
import { World } from "./world";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const LATENCY_MS = 60;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function answer(response: ServerResponse, status: number, json: unknown, etag?: string): void {
  if (etag) response.setHeader("ETag", etag);
  response.statusCode = status;
  if (json instanceof Uint8Array) {
    response.setHeader("Content-Type", "application/octet-stream");
    response.setHeader("Content-Disposition", "attachment");
    response.end(json);
    return;
  }
  response.setHeader("Content-Type", "application/json");
  response.end(json === undefined ? undefined : JSON.stringify(json));
}

function stream(world: World, call: Call, response: ServerResponse): void {
  const topics = (call.query.get("topics") ?? "").split(",");
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  let n = 1;
  const send = (event: string, data: unknown): void => {
    response.write(`id: c${n++}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const listener = (event: string, data: unknown): void => {
    const about = data as { job?: number; server?: number };
    const topic =
      event === "line" ? `job:${about.job}` : event === "log" ? `log:${about.server}` : `${event}s`;
    if (topics.includes(topic)) send(event, data);
  };
  if (!call.query.get("last")) send("ready", {});
  else response.write(": on\n\n");
  world.listeners.add(listener);
  const beat = setInterval(() => response.write(":\n\n"), 15_000);
  response.on("close", () => {
    clearInterval(beat);
    world.listeners.delete(listener);
  });
}

async function serve(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://mock");
  const bytes = await bodyOf(request);
  const isJson = request.headers["content-type"] === "application/json";
  const call: Call = {
    method: request.method ?? "GET",
    path: url.pathname.replace("/api/v1", ""),
    query: url.searchParams,
    body: isJson ? (JSON.parse(bytes.toString()) as Record<string, unknown>) : {},
    bytes,
    ifMatch: request.headers["if-match"],
    ids: [],
  };
  const isOpen = ["/session", "/setup", "/join"].includes(call.path);
  try {
    if (!world.isLoggedIn && !isOpen)
      throw new Refusal(401, "denied", "nobody is logged in: log in first");
    if (call.path === "/events") {
      stream(world, call, response);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, LATENCY_MS));
    for (const [method, pattern, run] of operations) {
      const found = method === call.method ? pattern.exec(call.path) : null;
      if (!found) continue;
      call.ids = found.slice(1).map(Number);
      call.words = found.slice(1);
      const result = run(world, call);
      answer(response, result.status ?? 200, result.json, result.etag);
      return;
    }
    throw new Refusal(404, "not-found", "there is nothing at this address");
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    const { kind, message, field } = thrown;
    answer(response, thrown.status, { error: { kind, message, field } });
  }
}

export function mockApi(): Plugin {
  const world = new World();
  const middleware = (
    request: IncomingMessage,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ): void => {
    if (!request.url?.startsWith("/api/v1/")) {
      next();
      return;
    }
    serve(world, request, response).catch(next);
  };
  return {
    name: "mock-api",
    configureServer(server) {
      server.middlewares.use(middleware);
    },
    configurePreviewServer(server) {
      server.middlewares.use((_request, response, next) => {
        response.setHeader("Content-Security-Policy", POLICY);
        response.setHeader("X-Content-Type-Options", "nosniff");
        next();
      });
      server.middlewares.use(middleware);
    },
  };
}
