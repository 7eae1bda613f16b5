// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { dropPart, hasPart, placeOfLines, setPart } from "../src/events/position";

test("a part is put in and replaced", () => {
  expect(setPart("", "l3", "17-2")).toBe("l3-17-2");
  expect(setPart("c142", "j12", "873")).toBe("c142.j12-873");
  expect(setPart("c142.j12-873.l3-1-1", "j12", "900")).toBe("c142.l3-1-1.j12-900");
  expect(setPart("c142.j1-1", "c", "150")).toBe("j1-1.c150");
});

test("a part is dropped, and no other that begins like it", () => {
  expect(dropPart("c1.j1-5.j12-6", "j1")).toBe("c1.j12-6");
  expect(dropPart("l3-1-1", "l3")).toBe("");
  expect(dropPart("", "l3")).toBe("");
});

test("whether a part is there", () => {
  expect(hasPart("c1.j12-5", "j1")).toBe(false);
  expect(hasPart("c1.j12-5", "j12")).toBe(true);
  expect(hasPart("c1.j12-5", "c")).toBe(true);
});

test("the place of a log counts the lines of its last microsecond", () => {
  expect(placeOfLines([])).toBeNull();
  expect(placeOfLines([{ time_us: 5 }])).toBe("5-1");
  expect(placeOfLines([{ time_us: 4 }, { time_us: 5 }, { time_us: 5 }])).toBe("5-2");
});
