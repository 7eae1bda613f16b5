// SPDX-License-Identifier: MIT
//
// strings: every text of the page, from a catalogue. A catalogue is chosen before the first page is
// drawn; another choice loads the page again, so that no text is left over in the old language.

import type { Catalogue } from "./catalogue";
import * as en from "./en";

export type { Catalogue } from "./catalogue";

type Load = () => Promise<Catalogue>;

// A new language is a folder like en/ and a row here.
const CATALOGUES: Readonly<Record<string, { name: string; load: Load }>> = {
  en: { name: "English", load: async () => en },
};

// For those who work on the page: localStorage.language = "pseudo"
const pseudo: Load = async () => (await import("./pseudo")).pseudoOf(en);

export let text: Catalogue = en;

export function languages(): { value: string; label: string }[] {
  return Object.entries(CATALOGUES).map(([value, { name }]) => ({ value, label: name }));
}

function stored(): string | null {
  try {
    return localStorage.getItem("language");
  } catch {
    return null;
  }
}

/** What was chosen here, else what the browser asks for, else English. */
export function language(): string {
  const wanted = [stored(), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return wanted.find((tag) => tag !== null && tag in CATALOGUES) ?? "en";
}

export function setLanguage(next: string): void {
  try {
    localStorage.setItem("language", next);
  } catch {
    return; // it would not be remembered beyond the reload
  }
  location.reload();
}

export async function loadStrings(): Promise<void> {
  const load = stored() === "pseudo" ? pseudo : CATALOGUES[language()]?.load;
  if (load) text = await load();
  document.documentElement.lang = language();
}
