// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { cfgTokens } from "../src/components/cfg";

/** As "kind:text", which is easier to read. */
const shown = (line: string): string[] =>
  cfgTokens(line).map((token) => `${token.kind}:${line.slice(token.from, token.to)}`);

test.each([
  ["", []],
  ["   \t", []],
  ["// all of it", ["comment:// all of it"]],
  ["sv_cheats 0", ["setting:sv_cheats", "number:0"]],
  ["  exec a.cfg // why", ["command:exec", "value:a.cfg", "comment:// why"]],
  ['sm_cvar x "a // b; c"', ["command:sm_cvar", "value:x", 'string:"a // b; c"']],
  ['"sv_x" "1"', ['setting:"sv_x"', 'string:"1"']],
  ["a 1;b -.5", ["setting:a", "number:1", "separator:;", "setting:b", "number:-.5"]],
  ['hostname "open', ["setting:hostname", 'string:"open']],
  ["a//b", ["setting:a", "comment://b"]],
  ['a"b"c', ["setting:a", 'string:"b"', "value:c"]],
  ["x 1.2.3 1. 5x", ["setting:x", "value:1.2.3", "number:1.", "value:5x"]],
  [";;", ["separator:;", "separator:;"]],
])("%s", (line, want) => {
  expect(shown(line)).toEqual(want);
});

test("tokens follow each other, whatever is in the line", () => {
  const alphabet = ['"', "/", ";", " ", "a", "1", "\t", "ß", "-"];
  let seed = 7;
  for (let n = 0; n < 2000; n++) {
    let line = "";
    for (let i = 0; i < 12; i++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      line += alphabet[seed % alphabet.length];
    }
    let at = 0;
    for (const token of cfgTokens(line)) {
      expect(token.from).toBeGreaterThanOrEqual(at);
      expect(token.to).toBeGreaterThan(token.from);
      expect(line.slice(at, token.from).trim()).toBe("");
      at = token.to;
    }
    expect(at).toBeLessThanOrEqual(line.length);
  }
});
