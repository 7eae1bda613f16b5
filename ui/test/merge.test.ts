// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { merge } from "../src/merge";

const base = { name: "a", config: "x", list: [1, 2] };

test("what one side alone has changed is taken", () => {
  expect(merge(base, { ...base, name: "b" }, { ...base, config: "y" })).toEqual({
    value: { name: "b", config: "y", list: [1, 2] },
    conflicts: [],
    taken: ["config"],
  });
});

test("what both have changed is a question, and mine meanwhile", () => {
  expect(merge(base, { ...base, config: "mine" }, { ...base, config: "theirs" })).toEqual({
    value: { ...base, config: "mine" },
    conflicts: ["config"],
    taken: [],
  });
});

test("what both have changed alike is none", () => {
  const both = { ...base, list: [2, 1] };
  expect(merge(base, both, { ...both })).toEqual({ value: both, conflicts: [], taken: [] });
});

test("lists are compared by what is in them", () => {
  const merged = merge(base, { ...base, list: [1, 2] }, { ...base, list: [1, 2, 3] });
  expect(merged.value.list).toEqual([1, 2, 3]);
  expect(merged.taken).toEqual(["list"]);
});
