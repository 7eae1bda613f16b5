// SPDX-License-Identifier: MIT
// @vitest-environment node
import { beforeAll, expect, test, vi } from "vitest";

let match: (pattern: string, path: string) => Readonly<Record<string, string>> | null;

beforeAll(async () => {
  vi.stubGlobal("location", new URL("http://x/servers"));
  ({ match } = await import("../src/router"));
});

test.each([
  ["/servers", "/servers", {}],
  ["/servers", "/servers/", {}],
  ["/servers", "/server", null],
  ["/servers", "/servers/1", null],
  ["/servers/:#id/:tab?", "/servers/12", { id: "12" }],
  ["/servers/:#id/:tab?", "/servers/12/log", { id: "12", tab: "log" }],
  ["/servers/:#id/:tab?", "/servers/12/log/x", null],
  ["/servers/:#id/:tab?", "/servers/x", null],
  ["/servers/:#id/:tab?", "/servers/0", null],
  ["/servers/:#id/:tab?", "/servers/1e3", null],
  ["/servers/:#id/:tab?", "/servers/99999999999999999", null],
  ["/users/:tab?", "/users/%3Cb%3E", { tab: "<b>" }],
  ["/users/:tab?", "/users/%zz", { tab: "%zz" }],
])("%s and %s", (pattern, path, want) => {
  expect(match(pattern, path)).toEqual(want);
});
