// SPDX-License-Identifier: MIT
//
// editor: editing text, keeping what two have changed, and sorting.

export const editor = {
  keys: "Ctrl+S saves. Tab goes on to the next control.",
  allSaved: "All is saved",
  leaveTitle: "Leave without saving?",
  leaveText: "What you have changed here is not saved yet.",
  leave: "Leave and lose it",
  stay: "Stay here",
} as const;

export const conflict = {
  title: "Somebody has saved meanwhile",
  both: "You both have changed this. Choose which of the two is kept; nothing is saved before.",
  noneBoth: "You have changed different things: both are kept.",
  taken: (labels: readonly string[]) => `Taken over from the other: ${labels.join(", ")}.`,
  mine: "Yours",
  theirs: "The other’s",
  empty: "(empty)",
  back: "Back to editing",
  save: "Save",
  compare: "Compare",
  meanwhile: "Somebody else has saved this meanwhile. What you have changed is still here.",
} as const;

export const sort = {
  hint: "Drag, or use the arrow keys",
  handle: (name: string, at: number, n: number) => `Move ${name}, now ${at} of ${n}`,
  moved: (name: string, at: number, n: number) => `${name} is ${at} of ${n} now.`,
  up: (name: string) => `Move ${name} up`,
  down: (name: string) => `Move ${name} down`,
  remove: (name: string) => `Remove ${name}`,
} as const;
