// SPDX-License-Identifier: MIT
//
// stack: what a server sees: its layers, and what the game wrote over them.

import { plural } from "./plural";

export const stack = {
  layers: "Layers",
  layersHint: "From top to bottom: what lies higher hides what lies below it.",
  layer: "Layer",
  generation: "Generation",
  findings: "Findings",
  findingsNone: "Nothing is known to be wrong.",
  addons: "Add-ons",
  addonsHint: "In the order in which the game probably looks.",
  addonsNone: "No add-on is there.",
  addonStates: {
    loaded: "loaded",
    possible: "maybe loaded",
    off: "switched off",
    broken: "broken",
  },
  maps: "Maps",
  notLoaded: "not loaded",
  campaigns: "Campaigns",
  campaignMissing: (n: number) => `${plural(n, "map is", "maps are")} nowhere`,
  conflicts: "Add-ons in each other’s way",
  conflictsHint:
    "They have different files of one name. Which of them the game takes is not certain.",
  conflict: (winner: string, loser: string) => `${winner} before ${loser}`,
  conflictFiles: (n: number, example: string) =>
    `${plural(n, "file", "files")}, such as ${example}`,
  explain: "Explain a path",
  explainHint:
    "Which layer a file comes from. A path of the installation, as left4dead2/cfg/server.cfg, or as the game calls it, as maps/c1m1_hotel.bsp.",
  explainPath: "Path",
  explainRun: "Explain",
  explainNone: "No layer has it.",
  explainGame: (path: string) => `The game calls it ${path} and looks in this order:`,
  certainty: { sure: "", likely: "That order is likely.", unsure: "That order is not certain." },
  roles: {
    shown: "seen",
    shadowed: "hidden by one above",
    removes: "removes it",
    merged: "merged",
    used: "used",
    possible: "maybe",
    "not-loaded": "not loaded",
  } as Record<string, string>,
  summary: (n: number, size: string) => `${plural(n, "file", "files")}, ${size}`,
  truncated: "There is more than is shown here.",
  severity: { error: "error", warning: "warning", note: "note", info: "note" } as Record<
    string,
    string
  >,
} as const;

export const upper = {
  title: "What the game wrote",
  hint: "The server’s own layer: what was added, changed and removed since it was made or reset.",
  empty: "The game has written nothing yet.",
  path: "Path",
  change: "Change",
  changes: {
    added: "added",
    changed: "changed",
    replaced: "replaced",
    removed: "removed",
    unreadable: "unreadable",
    unknown: "unknown",
  } as Record<string, string>,
  view: "View",
  drop: "Drop",
  dropTitle: "Drop it?",
  dropText: (path: string) => `${path} goes; what the layers below have there is seen again.`,
  dropped: "Dropped.",
  keep: "Keep",
  keepTitle: "Keep it through a reset",
  keepText: (path: string) =>
    `${path} is moved to an overlay of files, which a reset does not touch. That overlay is to be built before a server sees it.`,
  keepTo: "Where to",
  keepOwn: "The server’s own files",
  kept: "Kept. Build the overlay, so that the server sees it.",
  stopFirst: "Files can be dropped and kept while the server is stopped.",
  truncated: "There are more than are shown.",
  sizes: (before: string, after: string) => `${before} → ${after}`,
  own: "Files of its own",
  ownHint:
    "An overlay above all others of this server: admins, bans, databases.cfg. It goes with the server.",
  ownMake: "Make it",
  ownMade: "The server has an overlay of its own now.",
  ownOpen: "Open its files",
  ownNone: "It has none yet.",
  viewTooLarge: "It is too large to be shown here. Download it.",
  viewBinary: "It is no text. Download it.",
} as const;
