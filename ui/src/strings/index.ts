// SPDX-License-Identifier: MIT
//
// strings: every text of the page, from a catalogue. A catalogue is chosen before the first page is
// drawn; another choice loads the page again, so that no text is left over in the old language.

import { en } from "./en";
import type { Catalogue } from "./catalogue";

export type { Catalogue } from "./catalogue";

export type Language = "en" | "de";
export const LANGUAGES: readonly { value: Language; label: string }[] = [
  { value: "en", label: "English" },
  { value: "de", label: "Deutsch" },
];

export let text: Catalogue = en;

export function language(): Language {
  try {
    return localStorage.getItem("language") === "de" ? "de" : "en";
  } catch {
    return "en";
  }
}

export function setLanguage(next: Language): void {
  try {
    localStorage.setItem("language", next);
  } catch {
    return; // it could not be remembered beyond the reload
  }
  location.reload();
}

export async function loadStrings(): Promise<void> {
  if (language() === "de") text = (await import("./de")).de;
  document.documentElement.lang = language();
}
