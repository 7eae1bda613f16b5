// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { missingChunks, numbersIn, pathBelow, resumeKey, retryDelayMs } from "../src/upload/plan";

const none = new Set<number>();

describe("the chunks of a file", () => {
  test("cover it, and the last one is what is left", () => {
    expect(missingChunks(10, 4, none)).toEqual([
      { number: 0, offset: 0, size: 4 },
      { number: 1, offset: 4, size: 4 },
      { number: 2, offset: 8, size: 2 },
    ]);
  });

  test("are none of an empty file, and one of a file of their size", () => {
    expect(missingChunks(0, 4, none)).toEqual([]);
    expect(missingChunks(4, 4, none)).toEqual([{ number: 0, offset: 0, size: 4 }]);
  });

  test("that are there are not sent again", () => {
    expect(missingChunks(10, 4, new Set([0, 2]))).toEqual([{ number: 1, offset: 4, size: 4 }]);
    expect(missingChunks(10, 4, new Set([0, 1, 2]))).toEqual([]);
  });

  test("add up to the file, whatever its size", () => {
    for (let size = 0; size < 50; size++) {
      const chunks = missingChunks(size, 7, none);
      expect(chunks.reduce((sum, chunk) => sum + chunk.size, 0)).toBe(size);
      expect(chunks.every((chunk, i) => chunk.offset === i * 7 && chunk.size > 0)).toBe(true);
    }
  });
});

test("ranges stand for numbers", () => {
  expect([...numbersIn([])]).toEqual([]);
  expect([
    ...numbersIn([
      [0, 2],
      [5, 5],
    ]),
  ]).toEqual([0, 1, 2, 5]);
});

test.each([
  ["", "a.txt", "a.txt"],
  ["left4dead2/cfg", "a/b.txt", "left4dead2/cfg/a/b.txt"],
  ["left4dead2/", "/a.txt", "left4dead2/a.txt"],
  ["x", "./a", "x/a"],
])("what is dropped on '%s' as '%s' goes to '%s'", (base, relative, want) => {
  expect(pathBelow(base, relative)).toBe(want);
});

test("another file, place or overlay is another upload", () => {
  const file = { size: 5, lastModified: 9 };
  const keys = [
    resumeKey(1, "a", file),
    resumeKey(2, "a", file),
    resumeKey(1, "b", file),
    resumeKey(1, "a", { ...file, size: 6 }),
    resumeKey(1, "a", { ...file, lastModified: 8 }),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test("a try waits longer than the one before, within a limit", () => {
  expect([0, 1, 2].map(retryDelayMs)).toEqual([1000, 2000, 4000]);
  expect(retryDelayMs(20)).toBe(30_000);
});
