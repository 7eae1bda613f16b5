// SPDX-License-Identifier: MIT
//
// stream: the one stream of events of this tab. Parts of the page say which topics they want; the
// stream is opened for all of them, goes on where it was after it broke off, and is closed while
// nobody looks at the tab, since a browser has few connections to one server.

import { signal } from "@preact/signals";
import { fetchApi } from "../api/http";
import { ApiError } from "../api/error";
import { dropPart, setPart } from "./position";
import { SseParser, type SseEvent } from "./sse";

const TOPICS_MAX = 8;
const HIDDEN_MS = 60_000; // until a tab that nobody sees lets go of its connection
const SILENCE_MS = 40_000; // a heartbeat comes every 15 s
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15_000;

export type StreamState = "off" | "connecting" | "open" | "waiting";
export type Handler = (data: unknown) => void;

/** What the page shows of it. */
export const streamState = signal<StreamState>("off");

const topics = new Map<string, number>(); // how many want each
const handlers = new Map<string, Set<Handler>>();
let position = "";
let isWanted = false;
let running: AbortController | null = null;
let retryMs = RETRY_MIN_MS;
let restartTimer: number | undefined;
let hiddenTimer: number | undefined;
let wake: (() => void) | null = null;

/** Calls `handler` with the data of each event of that name. Returns how to stop. */
export function on(event: string, handler: Handler): () => void {
  const set = handlers.get(event) ?? new Set();
  set.add(handler);
  handlers.set(event, set);
  return () => set.delete(handler);
}

/**
 * Adds a topic. `place` is what is known of a log already, see position.ts. Returns how to drop it
 * again.
 */
export function want(topic: string, place?: { key: string; value: string }): () => void {
  topics.set(topic, (topics.get(topic) ?? 0) + 1);
  if (place) position = setPart(position, place.key, place.value);
  if (topics.get(topic) === 1 || place) restartSoon();
  let isDropped = false;
  return () => {
    if (isDropped) return;
    isDropped = true;
    const n = (topics.get(topic) ?? 1) - 1;
    if (n > 0) {
      topics.set(topic, n);
      return;
    }
    topics.delete(topic);
    position = dropPart(position, topic.replace("job:", "j").replace("log:", "l"));
    restartSoon();
  };
}

/** Calls when something may have happened that the stream did not tell: it is to be looked up. */
export function onLost(call: () => void): () => void {
  const ends = [
    // It begins with the present: what was before that, nobody tells.
    on("ready", call),
    on("missed", (data) => {
      const topic = (data as { topic?: string }).topic ?? "";
      if (!/^(job|log):/.test(topic)) call();
    }),
  ];
  return () => ends.forEach((end) => end());
}

export function start(): void {
  isWanted = true;
  restartSoon();
}

/** Ends it, and forgets where it was: another person may come. */
export function stop(): void {
  isWanted = false;
  position = "";
  running?.abort();
  running = null;
  streamState.value = "off";
}

// Several parts of a page that is opened want their topics one after the other.
function restartSoon(): void {
  if (restartTimer !== undefined) return;
  restartTimer = window.setTimeout(() => {
    restartTimer = undefined;
    restart();
  }, 30);
}

function restart(): void {
  running?.abort();
  running = null;
  if (!isWanted || topics.size === 0) return;
  const controller = new AbortController();
  running = controller;
  void run(controller);
}

async function run(controller: AbortController): Promise<void> {
  while (!controller.signal.aborted) {
    streamState.value = streamState.value === "open" ? "open" : "connecting";
    try {
      await readOnce(controller);
    } catch (thrown) {
      if (controller.signal.aborted) return;
      // A position that is too old to go on from, or not understood: begin with the present.
      if (thrown instanceof ApiError && thrown.status === 400 && position) {
        position = "";
        dispatch("missed", { topic: "*", n: null });
      }
    }
    if (controller.signal.aborted) return;
    streamState.value = "waiting";
    await pause(retryMs);
    retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, ms);
    wake = () => {
      window.clearTimeout(timer);
      resolve();
    };
  });
}

async function readOnce(controller: AbortController): Promise<void> {
  const attempt = new AbortController();
  const end = (): void => attempt.abort();
  controller.signal.addEventListener("abort", end);
  let timer = window.setTimeout(end, SILENCE_MS);
  try {
    const list = [...topics.keys()].slice(0, TOPICS_MAX).join(",");
    const response = await fetchApi("GET", "/events", {
      query: { topics: list, last: position || null },
      signal: attempt.signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (!reader) return;
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      streamState.value = "open";
      retryMs = RETRY_MIN_MS;
      window.clearTimeout(timer);
      timer = window.setTimeout(end, SILENCE_MS);
      for (const event of parser.push(value)) take(event);
    }
  } finally {
    window.clearTimeout(timer);
    controller.signal.removeEventListener("abort", end);
    attempt.abort();
  }
}

function take(event: SseEvent): void {
  if (event.id !== null) position = event.id;
  let data: unknown;
  try {
    data = JSON.parse(event.data);
  } catch {
    return;
  }
  dispatch(event.event, data);
}

function dispatch(event: string, data: unknown): void {
  for (const handler of handlers.get(event) ?? []) handler(data);
}

document.addEventListener("visibilitychange", () => {
  window.clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = window.setTimeout(() => {
      running?.abort();
      running = null;
      streamState.value = "off";
    }, HIDDEN_MS);
  } else if (isWanted && !running) {
    restart();
  } else {
    wake?.();
  }
});

window.addEventListener("online", () => wake?.());
