// SPDX-License-Identifier: MIT
//
// plan: which pieces of a file are to be sent, and where the files of a folder go.

export const CHUNK_BYTES = 4 << 20;

export interface Chunk {
  number: number;
  offset: number;
  size: number;
}

/** The chunks of a file of `size` bytes that are not there yet. */
export function missingChunks(
  size: number,
  chunkBytes: number,
  there: ReadonlySet<number>,
): Chunk[] {
  const chunks: Chunk[] = [];
  for (let number = 0, offset = 0; offset < size; number++, offset += chunkBytes)
    if (!there.has(number))
      chunks.push({ number, offset, size: Math.min(chunkBytes, size - offset) });
  return chunks;
}

/** The numbers that ranges of them stand for. */
export function numbersIn(ranges: readonly (readonly [number, number])[]): Set<number> {
  const numbers = new Set<number>();
  for (const [first, last] of ranges) for (let n = first; n <= last; n++) numbers.add(n);
  return numbers;
}

/**
 * Where a file goes that is dropped on the directory `base`. A path below the root, without slashes
 * at its ends.
 */
export function pathBelow(base: string, relative: string): string {
  return [...base.split("/"), ...relative.split("/")]
    .filter((word) => word !== "" && word !== ".")
    .join("/");
}

/** By what an upload that broke off is found again when the same file is chosen once more. */
export function resumeKey(
  overlay: number,
  path: string,
  file: { size: number; lastModified: number },
): string {
  return `upload:${overlay}:${path}:${file.size}:${file.lastModified}`;
}

/** How long to wait before the n-th try, from 0. */
export function retryDelayMs(n: number): number {
  return Math.min(1000 * 2 ** n, 30_000);
}
