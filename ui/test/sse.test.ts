// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { SseParser } from "../src/events/sse";

const STREAM =
  'id: c1\nevent: server\ndata: {"a":1}\n\n:\n\nid: c2.j1-5\nevent: line\ndata: x\ndata: y\n\n';

describe("a stream of events", () => {
  test("is taken apart", () => {
    expect(new SseParser().push(STREAM)).toEqual([
      { id: "c1", event: "server", data: '{"a":1}' },
      { id: "c2.j1-5", event: "line", data: "x\ny" },
    ]);
  });

  test("is the same wherever it is cut", () => {
    const whole = new SseParser().push(STREAM);
    for (let at = 0; at <= STREAM.length; at++) {
      const parser = new SseParser();
      const events = [...parser.push(STREAM.slice(0, at)), ...parser.push(STREAM.slice(at))];
      expect(events).toEqual(whole);
    }
  });

  test("may have CRLF, and fields without a value or a space", () => {
    expect(new SseParser().push("event:ready\r\ndata\r\n\r\n")).toEqual([
      { id: null, event: "ready", data: "" },
    ]);
  });

  test("tells no event without data, and nothing that is not finished", () => {
    expect(new SseParser().push("event: server\n\nid: c9\ndata: x\n")).toEqual([]);
  });

  test("has no id with a NUL in it", () => {
    expect(new SseParser().push("id: a\0b\ndata: x\n\n")[0]?.id).toBeNull();
  });
});
