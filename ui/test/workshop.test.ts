// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { addTo, idOf, idsOf, removeFrom } from "../src/pages/overlay/workshop";

const PAGE = "https://steamcommunity.com/sharedfiles/filedetails/?id=121088";

test.each([
  ["121088", "121088"],
  ["00121088", "121088"],
  [PAGE, "121088"],
  ["http://www.steamcommunity.com/workshop/filedetails/?id=5&searchtext=x", "5"],
  [`${PAGE}#comments`, "121088"],
  ["https://steamcommunity.com/sharedfiles/filedetails/?searchtext=a&id=77", "77"],
  ["https://example.org/?id=5", null],
  ["https://steamcommunity.com.example.org/sharedfiles/filedetails/?id=5", null],
  ["x", null],
  ["-5", null],
  ["99999999999999999999", null],
])("%s names %s", (word, want) => {
  expect(idOf(word)).toBe(want);
});

test("a list has numbers, addresses, and comments", () => {
  expect(idsOf(`# 1\n2, 3;4 # 5\n${PAGE}\n3\n6#7\n`)).toEqual(["2", "3", "4", "121088"]);
});

describe("adding", () => {
  test("takes several at once, and none twice", () => {
    expect(addTo("1", `1 2\n${PAGE},2`)).toEqual({
      list: "1\n2\n121088\n",
      added: ["2", "121088"],
      wrong: [],
    });
  });

  test("says what is no item, and keeps the list", () => {
    expect(addTo("1\n", "foo")).toEqual({ list: "1\n", added: [], wrong: ["foo"] });
  });
});

test.each([
  ["1\n2\n3\n", "1\n3\n"],
  ["1 2 3\n", "1 3\n"],
  ["2 # the second\n1\n", "1\n"],
  ["1, 2 # both\n", "1 # both\n"],
  ["# 2 in a comment\n2\n", "# 2 in a comment\n"],
  ["22\n", "22\n"],
  ["https://steamcommunity.com/sharedfiles/filedetails/?id=2\n1\n", "1\n"],
])("removing 2 from %j", (list, want) => {
  expect(removeFrom(list, "2")).toBe(want);
});
