// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import * as en from "../src/strings/en";
import { pseudoOf, stretched } from "../src/strings/pseudo";

type Entry = string | ((...values: unknown[]) => string) | { [key: string]: Entry };

function each(entry: Entry, path: string, call: (path: string, words: string) => void): void {
  if (typeof entry === "string") call(path, entry);
  else if (typeof entry === "function") call(path, entry(...Array<unknown>(3).fill(["x"])));
  else for (const [key, value] of Object.entries(entry)) each(value, `${path}.${key}`, call);
}

test("every text is one", () => {
  each(en as unknown as Entry, "en", (path, words) => {
    expect(typeof words, path).toBe("string");
    expect(words, path).toBe(words.trim());
    expect(words, path).not.toContain("undefined");
  });
});

test("a text that is looked up is stretched once", () => {
  const pseudo = pseudoOf(en);
  expect(pseudo.locale).toBe("en");
  expect(pseudo.common.save).toBe("[Save~~]");
  expect(pseudo.server.started("x")).toBe(stretched(en.server.started("x")));
  expect(pseudo.jobs.kinds["server.start"]).toBe("[Start~~]");
});
