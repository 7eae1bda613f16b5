// SPDX-License-Identifier: MIT
//
// logs: a log that is shown while it is written. What is there already is read first, and the
// stream goes on behind its last line.

import { signal, type Signal } from "@preact/signals";
import * as api from "../api";
import { ApiError, asApiError } from "../api";
import type { JobLine, ServerLine } from "../api/types";
import { placeOfLines } from "../events/position";
import { on, want } from "../events/stream";
import { LogBuffer, type LogEntry } from "./logbuffer";

const SERVER_LINES = 500;
const ALL_LINES = 10_000;
const DRAW_MS = 100; // between two drawings of a log that does not stand still

export interface LogFeed {
  readonly buffer: LogBuffer;
  /** grows with every change of the buffer */
  readonly version: Signal<number>;
  readonly isReady: Signal<boolean>;
  readonly error: Signal<ApiError | null>;
  /** lines that the stream had to leave out */
  readonly nMissed: Signal<number>;
  stop(): void;
}

class Feed implements LogFeed {
  readonly buffer = new LogBuffer();
  readonly version = signal(0);
  readonly isReady = signal(false);
  readonly error = signal<ApiError | null>(null);
  readonly nMissed = signal(0);
  private ends: (() => void)[] = [];
  private pending: LogEntry[] = [];
  private timer: number | undefined;
  private drawnMs = 0;
  isStopped = false;

  // One line is shown at once; of many the page is drawn ten times a second.
  add(entries: readonly LogEntry[]): void {
    for (const entry of entries) this.pending.push(entry);
    if (this.timer !== undefined || this.pending.length === 0) return;
    const waitMs = Math.max(0, this.drawnMs + DRAW_MS - performance.now());
    this.timer = window.setTimeout(() => {
      this.timer = undefined;
      this.drawnMs = performance.now();
      this.buffer.add(this.pending);
      this.pending = [];
      this.version.value++;
    }, waitMs);
  }

  atEnd(end: () => void): void {
    if (this.isStopped) end();
    else this.ends.push(end);
  }

  async load(read: () => Promise<void>): Promise<void> {
    try {
      await read();
      this.error.value = null;
    } catch (thrown) {
      this.error.value = asApiError(thrown);
    }
    this.isReady.value = true;
  }

  stop(): void {
    this.isStopped = true;
    window.clearTimeout(this.timer);
    for (const end of this.ends) end();
    this.ends = [];
  }
}

function serverEntry(line: ServerLine): LogEntry {
  const tone = line.priority <= 3 ? "error" : line.priority === 4 ? "warning" : "plain";
  return { time_us: line.time_us, text: line.text, tone: line.priority === 5 ? "note" : tone };
}

function jobEntry(line: JobLine): LogEntry {
  const tones = { output: "plain", error: "error", note: "note" } as const;
  return { time_us: line.time_us, text: line.text, tone: tones[line.stream] };
}

function isAbout(data: unknown, key: string, id: number): boolean {
  return typeof data === "object" && data !== null && (data as Record<string, unknown>)[key] === id;
}

function watchMissed(feed: Feed, topic: string): void {
  feed.atEnd(
    on("missed", (data) => {
      const missed = data as { topic: string; n: number | null };
      if (missed.topic === topic) feed.nMissed.value += missed.n ?? 1; // it is not always known how many
    }),
  );
}

/** A server that was never started is not on the host yet, and has written nothing. */
async function writtenBefore(server: number, isAllRuns: boolean): Promise<ServerLine[]> {
  try {
    return await api.servers.log(server, isAllRuns ? ALL_LINES : SERVER_LINES, isAllRuns);
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.status === 404) return [];
    throw thrown;
  }
}

/** The log of a server's newest run, or of all of them, which are not followed. */
export function serverLog(server: number, isAllRuns: boolean): LogFeed {
  const feed = new Feed();
  void feed.load(async () => {
    const lines = await writtenBefore(server, isAllRuns);
    feed.add(lines.map(serverEntry));
    if (feed.isStopped) return;
    feed.atEnd(
      on("log", (data) => {
        if (isAbout(data, "server", server)) feed.add([serverEntry(data as ServerLine)]);
      }),
    );
    watchMissed(feed, `log:${server}`);
    const place = placeOfLines(lines);
    feed.atEnd(want(`log:${server}`, place ? { key: `l${server}`, value: place } : undefined));
  });
  return feed;
}

/** The log of a job; `isLive` if more of it may come. */
export function jobLog(job: number, isLive: boolean): LogFeed {
  const feed = new Feed();
  let last = 0;
  const take = (lines: readonly JobLine[]): void => {
    const fresh = lines.filter((line) => line.number > last);
    last = fresh[fresh.length - 1]?.number ?? last;
    feed.add(fresh.map(jobEntry));
  };
  void feed.load(async () => {
    for (;;) {
      const page = await api.jobs.log(job, last);
      take(page.lines);
      if (page.lines.length === 0 || page.next === null || feed.isStopped) break;
    }
    if (!isLive || feed.isStopped) return;
    feed.atEnd(
      on("line", (data) => {
        if (isAbout(data, "job", job)) take([data as JobLine]);
      }),
    );
    watchMissed(feed, `job:${job}`);
    feed.atEnd(want(`job:${job}`, { key: `j${job}`, value: String(last) }));
  });
  return feed;
}
