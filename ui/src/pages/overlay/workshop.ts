// SPDX-License-Identifier: MIT
//
// workshop: the list of a Workshop overlay as text: numbers and addresses of items and collections,
// with spaces, commas or line ends between them; '#' at the beginning of a word makes the rest a
// comment.

const ADDRESS =
  /^https?:\/\/(?:www\.)?steamcommunity\.com\/(?:sharedfiles|workshop)\/filedetails\/?\?(?:.*&)?id=(\d{1,19})(?:[&#].*)?$/i;
const NUMBER = /^\d{1,19}$/;

/** The number that a word names; null: it names none. */
export function idOf(word: string): string | null {
  if (NUMBER.test(word)) return BigInt(word).toString();
  const found = ADDRESS.exec(word);
  return found?.[1] ? BigInt(found[1]).toString() : null;
}

interface Word {
  from: number;
  to: number;
  text: string;
}

/** The words of a line, without what is a comment. */
function wordsOf(line: string): Word[] {
  const words: Word[] = [];
  for (const found of line.matchAll(/[^\s,;]+/g)) {
    if (found[0].startsWith("#")) break;
    words.push({ from: found.index, to: found.index + found[0].length, text: found[0] });
  }
  return words;
}

/** Numbers in the list, in their order, each once. */
export function idsOf(list: string): string[] {
  const ids = new Set<string>();
  for (const line of list.split("\n"))
    for (const word of wordsOf(line)) {
      const id = idOf(word.text);
      if (id) ids.add(id);
    }
  return [...ids];
}

export interface Added {
  list: string;
  added: string[];
  /** what names no item */
  wrong: string[];
}

/** Adds what somebody has typed or pasted: one or more numbers and addresses. */
export function addTo(list: string, typed: string): Added {
  const known = new Set(idsOf(list));
  const added: string[] = [];
  const wrong: string[] = [];
  for (const word of typed.split(/[\s,;]+/).filter(Boolean)) {
    const id = idOf(word);
    if (!id) wrong.push(word);
    else if (!known.has(id)) {
      known.add(id);
      added.push(id);
    }
  }
  if (added.length === 0) return { list, added, wrong };
  const base = list === "" || list.endsWith("\n") ? list : list + "\n";
  return { list: base + added.join("\n") + "\n", added, wrong };
}

/**
 * Takes a number out; a line that has nothing else goes with it, its comment stays with what is
 * left.
 */
export function removeFrom(list: string, id: string): string {
  const lines: string[] = [];
  for (const line of list.split("\n")) {
    const words = wordsOf(line);
    const gone = words.filter((word) => idOf(word.text) === id);
    if (gone.length === 0) {
      lines.push(line);
      continue;
    }
    if (gone.length === words.length) continue;
    let rest = line;
    for (const word of gone.reverse())
      rest =
        rest.slice(0, word.from).replace(/[\s,;]+$/, " ") +
        rest.slice(word.to).replace(/^[\s,;]+/, "");
    lines.push(rest.trim());
  }
  return lines.join("\n");
}

export const pageOf = (id: string): string =>
  `https://steamcommunity.com/sharedfiles/filedetails/?id=${id}`;
