// SPDX-License-Identifier: MIT
//
// servers: the list of servers, and the states that a server is in.

export const states = {
  stopped: "stopped",
  starting: "starting",
  running: "running",
  stopping: "stopping",
  failed: "failed",
  restarting: "restarting after a crash",
  unfinished: "unfinished",
  unknown: "unknown",
} as const;

export const servers = {
  title: "Servers",
  new: "New server",
  start: "Start",
  stop: "Stop",
  restart: "Restart",
  reset: "Reset",
  kill: "Kill",
  delete: "Delete",
  blueprint: "Blueprint",
  port: "Port",
  hostname: "Name in the game",
  pendingShort: "restart to apply",
  emptyTitle: "No server yet",
  empty: "A server is made from a blueprint, which says what the game is started with.",
  emptyNoBlueprint: "A server is made from a blueprint. Make one first.",
  toBlueprints: "Make a blueprint",
  created: (name: string) => `${name} is made.`,
  createTitle: "New server",
  createNameHint: "What it is called here.",
  createHostname: "Name in the game",
  createHostnameHint: "What players see. Empty: the name.",
  createPort: "Port",
  createPortHint: "Empty: the next one that is free.",
  createBlueprint: "Blueprint",
  chooseBlueprint: "Choose one…",
  none: "None",
  address: "Address",
  search: "Search servers",
  noMatch: "No server matches.",
} as const;
