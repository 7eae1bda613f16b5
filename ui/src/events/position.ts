// SPDX-License-Identifier: MIT
//
// position: where a stream of events is, such as "c142.j12-873.l3-1732659000123456-2": one part for
// the changes of things, one for each job's log and each server's log.
//
// The server's positions are kept as they come. A part is put in only for a log that this page has
// read up to some line by itself, so that the stream goes on behind it and nothing is missing or
// twice.

export function setPart(position: string, key: string, value: string): string {
  const parts = position ? position.split(".") : [];
  const kept = parts.filter((part) => partKey(part) !== key);
  return [...kept, `${key}${key === "c" ? "" : "-"}${value}`].join(".");
}

export function hasPart(position: string, key: string): boolean {
  return position.split(".").some((part) => partKey(part) === key);
}

export function dropPart(position: string, key: string): string {
  return position
    .split(".")
    .filter((part) => part !== "" && partKey(part) !== key)
    .join(".");
}

function partKey(part: string): string {
  if (part.startsWith("c")) return "c";
  const dash = part.indexOf("-");
  return dash < 0 ? part : part.slice(0, dash);
}

/**
 * The part of a server's log that ends with these lines: how many of its last microsecond there
 * are.
 */
export function placeOfLines(lines: readonly { time_us: number }[]): string | null {
  const last = lines[lines.length - 1];
  if (!last) return null;
  let n = 0;
  for (let i = lines.length - 1; i >= 0 && lines[i]?.time_us === last.time_us; i--) n++;
  return `${last.time_us}-${n}`;
}
