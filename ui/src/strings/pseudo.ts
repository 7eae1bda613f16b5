// SPDX-License-Identifier: MIT
//
// pseudo: a catalogue for those who work on the page: each text of the English one in brackets and
// a third longer. What stands on the page without brackets does not come from a catalogue, and what
// does not fit would not fit in other languages.

import type { Catalogue } from "./catalogue";

const PAD = "~~~~~~ ".repeat(40);

export function stretched(words: string): string {
  return `[${words}${PAD.slice(0, Math.ceil(words.length / 3)).trimEnd()}]`;
}

type Entry = string | ((...values: never[]) => string) | { readonly [key: string]: Entry };

function wrap(entry: Entry, key: string): Entry {
  if (typeof entry === "string") return key === "locale" ? entry : stretched(entry);
  if (typeof entry === "function") return (...values: never[]) => stretched(entry(...values));
  return Object.fromEntries(
    Object.entries(entry).map(([name, value]) => [name, wrap(value, name)]),
  );
}

export function pseudoOf(catalogue: Catalogue): Catalogue {
  return wrap(catalogue as Entry, "") as Catalogue;
}
