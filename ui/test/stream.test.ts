// SPDX-License-Identifier: MIT
import { afterEach, beforeEach, expect, test, vi } from "vitest";

// A server that answers each request with a stream that the test writes.
class Connection {
  private controller!: ReadableStreamDefaultController<Uint8Array>;
  readonly query: URLSearchParams;
  isAborted = false;
  readonly response: Response;

  constructor(url: string, signal: AbortSignal | null | undefined) {
    this.query = new URL(url, "http://x").searchParams;
    const body = new ReadableStream<Uint8Array>({ start: (c) => void (this.controller = c) });
    this.response = new Response(body, { status: 200 });
    signal?.addEventListener("abort", () => {
      this.isAborted = true;
      this.controller.error(new DOMException("aborted", "AbortError"));
    });
  }

  send(id: string, event: string, data: unknown): void {
    const words = `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    this.controller.enqueue(new TextEncoder().encode(words));
  }

  end(): void {
    this.controller.close();
  }
}

let connections: Connection[] = [];
let answers: number[] = []; // statuses in place of a stream, first things first
let stream: typeof import("../src/events/stream");
let http: typeof import("../src/api/http");

const newest = (): Connection => {
  const connection = connections[connections.length - 1];
  if (!connection) throw new Error("nobody has connected");
  return connection;
};

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

beforeEach(async () => {
  vi.useFakeTimers();
  vi.resetModules();
  connections = [];
  answers = [];
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("document", { hidden: false, addEventListener: () => {} });
  vi.stubGlobal("localStorage", { getItem: () => null });
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    const status = answers.shift();
    if (status !== undefined) return Promise.resolve(new Response("{}", { status }));
    connections.push(new Connection(url, init.signal));
    return Promise.resolve(newest().response);
  });
  stream = await import("../src/events/stream");
  http = await import("../src/api/http");
});

afterEach(() => {
  stream.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("topics that are wanted at once are asked for at once", async () => {
  stream.want("servers");
  stream.want("jobs");
  stream.start();
  await pass(50);
  expect(connections.length).toBe(1);
  expect(newest().query.get("topics")).toBe("servers,jobs");
  expect(newest().query.get("last")).toBeNull();
});

test("it goes on where it broke off", async () => {
  const seen: unknown[] = [];
  stream.on("server", (data) => seen.push(data));
  stream.want("servers");
  stream.start();
  await pass(50);
  newest().send("c5", "server", { id: 1 });
  await pass(0);
  newest().end();
  await pass(600);
  expect(connections.length).toBe(2);
  expect(newest().query.get("last")).toBe("c5");
  newest().send("c6", "server", { id: 2 });
  await pass(0);
  expect(seen).toEqual([{ id: 1 }, { id: 2 }]);
});

test("a log is gone on with behind what was read, and forgotten when nobody wants it", async () => {
  stream.want("servers");
  stream.start();
  await pass(50);
  newest().send("c5", "server", {});
  await pass(0);
  const drop = stream.want("log:3", { key: "l3", value: "17-2" });
  await pass(50);
  expect(connections[0]?.isAborted).toBe(true);
  expect(newest().query.get("topics")).toBe("servers,log:3");
  expect(newest().query.get("last")).toBe("c5.l3-17-2");
  newest().send("c5.l3-18-1", "log", {});
  await pass(0);
  drop();
  drop();
  await pass(50);
  expect(newest().query.get("topics")).toBe("servers");
  expect(newest().query.get("last")).toBe("c5");
});

test("two who want a topic share it", async () => {
  const drops = [stream.want("log:3"), stream.want("log:3")];
  stream.start();
  await pass(50);
  drops[0]?.();
  await pass(50);
  expect(connections.length).toBe(1);
  drops[1]?.();
  await pass(50);
  expect(connections[0]?.isAborted).toBe(true);
  expect(connections.length).toBe(1);
});

test("silence is the end of a connection", async () => {
  stream.want("servers");
  stream.start();
  await pass(50);
  await pass(41_000);
  expect(connections[0]?.isAborted).toBe(true);
  expect(connections.length).toBe(2);
});

test("a server that is away is asked again, ever less often", async () => {
  answers = [503, 503, 503];
  stream.want("servers");
  stream.start();
  await pass(50);
  expect(answers.length).toBe(2);
  await pass(500);
  expect(answers.length).toBe(1);
  await pass(500);
  expect(answers.length).toBe(1);
  await pass(500);
  expect(answers.length).toBe(0);
  await pass(2_000);
  expect(connections.length).toBe(1);
});

test("a position that is not understood is given up, and said to be", async () => {
  const missed = vi.fn();
  stream.on("missed", missed);
  stream.want("servers");
  stream.start();
  await pass(50);
  newest().send("c5", "server", {});
  await pass(0);
  newest().end();
  answers = [400];
  await pass(600);
  expect(missed).toHaveBeenCalledOnce();
  await pass(2_000);
  expect(newest().query.get("last")).toBeNull();
});

test("a session that has ended is waited for, and it goes on with the new one", async () => {
  let login = (): void => {};
  http.onSessionEnd(() => new Promise((resolve) => (login = resolve)));
  answers = [401];
  stream.want("servers");
  stream.start();
  await pass(5_000);
  expect(connections.length).toBe(0);
  login();
  await pass(0);
  expect(connections.length).toBe(1);
});
