// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { sentence } from "../src/sentence";
import { ApiError, asApiError, errorOf } from "../src/api/error";

describe("an error of the API", () => {
  test("has the sentence, the kind and the field", () => {
    const error = errorOf(
      400,
      { error: { kind: "invalid", message: "'port' must be a number", field: "port" } },
      "fallback",
    );
    expect(error).toMatchObject({
      kind: "invalid",
      message: "'port' must be a number",
      status: 400,
      field: "port",
    });
  });

  test.each([
    undefined,
    null,
    "",
    [],
    {},
    { error: "x" },
    { error: { kind: "x" } },
    { error: null },
  ])("that tells nothing (%j) has a sentence all the same", (body) => {
    expect(errorOf(502, body, "fallback")).toMatchObject({
      kind: "failed",
      message: "fallback",
      status: 502,
      field: null,
    });
  });

  test("is a conflict when the revision was another", () => {
    expect(errorOf(412, undefined, "").isConflict).toBe(true);
    expect(errorOf(409, undefined, "").isConflict).toBe(false);
  });

  test("is made of whatever is thrown", () => {
    const own = new ApiError("busy", "b", 409);
    expect(asApiError(own)).toBe(own);
    expect(asApiError(new Error("e"))).toMatchObject({ message: "e", status: 0 });
    expect(asApiError("s")).toMatchObject({ message: "s" });
  });
});

test.each([
  ["the script ended", undefined, "The script ended."],
  ["'port' must be a number", undefined, "'port' must be a number."],
  ["'port' must be a number", "port", "It must be a number."],
  ["port_to is a number from 6024 to 60535", "port_to", "It is a number from 6024 to 60535."],
  ["port_to is too small", "port", "port_to is too small."],
  ["there is no such user", "user", "There is no such user."],
])("%j beside the field %j", (message, field, want) => {
  expect(sentence(message, field)).toBe(want);
});
