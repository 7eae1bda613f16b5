// SPDX-License-Identifier: MIT
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { hexOf, sha256Of, sha256Slowly } from "../src/upload/sha256";

test("it is the hash that others make, at each length around the ends of blocks", () => {
  for (const n of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 100_000]) {
    const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 31 + n) & 255);
    expect(hexOf(sha256Slowly(bytes)), String(n)).toBe(
      createHash("sha256").update(bytes).digest("hex"),
    );
  }
});

test("both ways make the same", async () => {
  expect(await sha256Of(new Blob(["abc"]))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});
