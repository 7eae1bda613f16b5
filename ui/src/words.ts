// SPDX-License-Identifier: MIT
//
// words: the arguments of a program as one line of text, and back. A word with spaces stands in
// double quotes, which no argument of srcds may contain.

export function splitWords(line: string): string[] {
  const words: string[] = [];
  for (const found of line.matchAll(/"([^"]*)"?|[^\s"]+/g)) words.push(found[1] ?? found[0]);
  return words;
}

export function joinWords(words: readonly string[]): string {
  return words.map((word) => (word === "" || /\s/.test(word) ? `"${word}"` : word)).join(" ");
}
