// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { joinWords, splitWords } from "../src/words";

test.each([
  ["", []],
  ["  \n ", []],
  ["+map c2m1_highway", ["+map", "c2m1_highway"]],
  ["+map\n  c2m1_highway", ["+map", "c2m1_highway"]],
  ['+sv_tags "a b" -x', ["+sv_tags", "a b", "-x"]],
  ['""', [""]],
  ['"open end', ["open end"]],
])("%j", (line, want) => {
  expect(splitWords(line)).toEqual(want);
});

test("words come back as they were", () => {
  for (const words of [["a"], ["a b", ""], ["+x", "1", "two words", "-y"]])
    expect(splitWords(joinWords(words))).toEqual(words);
});
