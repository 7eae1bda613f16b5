// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { qrPath } from "../src/components/qrcode";

/** Back from the path: rows of "#" and ".". */
function drawn(words: string): string[] {
  const { size, path } = qrPath(words);
  const rows = Array.from({ length: size }, () => ".".repeat(size));
  for (const [, x, y, n] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    const row = rows[Number(y)] ?? "";
    rows[Number(y)] = row.slice(0, Number(x)) + "#".repeat(Number(n)) + row.slice(Number(x) + Number(n));
  }
  return rows;
}

test("it has what a reader looks for: three squares, and white around", () => {
  const rows = drawn("otpauth://totp/left4me:alice?secret=JBSWY3DPEHPK3PXP&issuer=left4me");
  const size = rows.length;
  const square = ["#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"];
  const at = (x: number, y: number) => rows.slice(y, y + 7).map((row) => row.slice(x, x + 7));
  expect(at(4, 4)).toEqual(square);
  expect(at(size - 11, 4)).toEqual(square);
  expect(at(4, size - 11)).toEqual(square);
  const middle = rows.map((row) => row.slice(4, -4)).slice(4, -4);
  expect(rows.join("").replaceAll(".", "")).toBe(middle.join("").replaceAll(".", ""));
});

test("another text is another picture", () => {
  expect(drawn("a")).not.toEqual(drawn("b"));
});
