// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { CHUNK, LogBuffer, type LogEntry } from "../src/state/logbuffer";

const entries = (n: number): LogEntry[] =>
  Array.from({ length: n }, (_, i) => ({ time_us: i, text: String(i), tone: "plain" }));

test("lines come in chunks, and only the last one grows", () => {
  const buffer = new LogBuffer();
  buffer.add(entries(CHUNK + 1));
  const [first, second] = buffer.chunks;
  buffer.add(entries(3));
  expect(buffer.chunks[0]).toBe(first);
  expect(buffer.chunks[1]).toBe(second);
  expect(buffer.chunks.map((chunk) => chunk.entries.length)).toEqual([CHUNK, 4]);
});

test("old lines are let go, and counted", () => {
  const buffer = new LogBuffer(2);
  buffer.add(entries(CHUNK * 3 + 5));
  expect(buffer.n + buffer.nDropped).toBe(CHUNK * 3 + 5);
  expect(buffer.chunks.length).toBe(2);
  expect(buffer.entries()[0]?.text).toBe(String(CHUNK * 2));
});
