// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { bytes, duration, parseSize, relative, writtenSize } from "../src/format";

test.each([
  ["20G", 20 * 1024 ** 3],
  ["1.5 GiB", 1.5 * 1024 ** 3],
  ["1,5g", 1.5 * 1024 ** 3],
  ["512", 512],
  ["4 KB", 4096],
  ["", null],
  ["G", null],
  ["-1G", null],
  ["1G2", null],
])("%s", (words, want) => {
  expect(parseSize(words)).toBe(want);
});

test("a size is written as it is read", () => {
  for (const n of [0, 1, 1023, 1024, 5 * 1024 ** 2, 20 * 1024 ** 3, 3 * 1024 ** 4, 123_456_789])
    expect(parseSize(writtenSize(n))).toBe(n);
});

test.each([
  [0, "0 B"],
  [1023, "1,023 B"],
  [1536, "1.5 KiB"],
  [150 * 1024, "150 KiB"],
  [1024 ** 5, "1,024 TiB"],
  [null, "–"],
])("%s bytes", (n, want) => {
  expect(bytes(n)).toBe(want);
});

test("times are told in their unit", () => {
  expect(duration(0.2)).toBe("under 1 s");
  expect(duration(59)).toBe("59 s");
  expect(duration(61)).toBe("1 min 1 s");
  expect(duration(3700)).toBe("1 h 1 min");
  expect(relative(1000, 1010)).toBe("just now");
  expect(relative(1000, 1000 + 7200)).toBe("2 hr. ago");
});
