// SPDX-License-Identifier: MIT
//
// blueprints: blueprints: the list, and the page of one.

import { plural } from "./plural";

export const blueprints = {
  title: "Blueprints",
  new: "New blueprint",
  createTitle: "New blueprint",
  nameHint: "Such as “Versus 100 tick”. What is in it comes next.",
  changed: "Changed",
  emptyTitle: "No blueprint yet",
  empty:
    "A blueprint says what a server is started with: arguments, config and overlays. Servers stay linked to it: what is changed in it reaches all of them at their next start.",
} as const;

export const blueprint = {
  arguments: "Arguments",
  argumentsHint: "As on a command line. Ports, hostname and RCON password come from the server.",
  config: "Config",
  configHint: "Lines of server.cfg. Hostname, RCON password and logging follow behind them.",
  overlays: "Overlays",
  overlaysHint:
    "The first one lies on top: of two that have the same file it wins. The game is below them all.",
  start: "Start",
  memory: "Memory (GiB)",
  memoryHint: "Empty: 4",
  cpu: "Processor (%)",
  cpuHint: "Of one processor. Empty: no limit",
  tasks: "Tasks",
  tasksHint: "Processes and threads. Empty: 512",
  shared: "Others may use it",
  sharedHint: "They may make servers from it and copy it, not change it.",
  addOverlay: "Overlay to add",
  chooseOverlay: "Add an overlay…",
  noOverlays: "None: servers see the game alone.",
  noMoreOverlays: "There is no other overlay to add.",
  toOverlays: "To the overlays",
  expose: "run its server.cfg",
  preview: "What it comes to",
  previewHint: "Of what stands above, saved or not.",
  previewServers: "What saving changes, at the next start",
  previewNoChange: "Nothing on any server.",
  previewProblems: "Problems",
  problemLine: (n: number) => `Config, line ${n}:`,
  problemArgument: (n: number) => `Argument ${n}:`,
  previewArguments: "Arguments of srcds",
  previewConfig: "server.cfg",
  copy: "Copy it",
  copyTitle: "Copy the blueprint",
  deleteTitle: (name: string) => `Delete ${name}?`,
  deleteText: "The recipe goes. Overlays stay. Servers that are made from it must be gone before.",
  deleted: (name: string) => `${name} is deleted.`,
  nServers: (n: number) => plural(n, "server", "servers"),
  readOnly: (owner: string) => `It belongs to ${owner}: you may use and copy it.`,
} as const;
