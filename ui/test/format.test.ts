// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { browserOf, bytes, duration, parseSize, relative, writtenSize } from "../src/format";

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

test.each([
  [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "Chrome on Linux",
  ],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "Firefox on Windows",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1",
    "Safari on iOS",
  ],
  [
    "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/156.0.0.0 Mobile Safari/537.36 Edg/156.0",
    "Edge on Android",
  ],
  ["curl/8.14.1", "curl/8.14.1"],
  ["", ""],
])("%s is %s", (agent, want) => {
  expect(browserOf(agent)).toBe(want);
});
