// SPDX-License-Identifier: MIT
//
// server: the page of a server: its head, its log, who plays, its settings.

import { plural } from "./plural";

export const server = {
  started: (name: string) => `${name} runs.`,
  stopped: (name: string) => `${name} is stopped.`,
  restarted: (name: string) => `${name} was restarted.`,
  reset: (name: string) => `${name} was reset.`,
  killed: (name: string) => `${name} was killed.`,
  deleted: (name: string) => `${name} is deleted.`,
  since: "since",
  owner: "Owner",
  blueprint: "Blueprint",
  connect: "Connect",
  ports: "Ports",
  portsValue: (game: number, client: number, tv: number) =>
    `${game} · client ${client} · SourceTV ${tv}`,
  memory: "Memory",
  memoryOf: (used: string, limit: string) => `${used} of ${limit}`,
  tasks: "Tasks",
  restarts: "Crashes",
  tabLog: "Log",
  tabPlayers: "Players",
  tabStack: "Stack",
  tabFiles: "Files",
  tabSettings: "Settings",
  tabJobs: "Jobs",
  tabs: "Parts of the server",
  pending: (what: string) => `Restart to apply: ${what} changed.`,
  pendingStopped: (what: string) => `The next start brings what is new: ${what}.`,
  pendingError: (why: string) => `A restart would fail: ${why}`,
  pendingOverlays: (n: number) => plural(n, "overlay", "overlays"),
  pendingOverlayList: "the list of overlays",
  pendingConfig: "the config",
  pendingPorts: "the ports",
  pendingLimits: "the limits",
  pendingFirst: "its first start",
  driftStopped: (state: string) => `It should run, but it is ${state}.`,
  driftRunning: "It should be stopped, but it runs.",
  driftStart: "Start it again",
  driftAccept: "Leave it stopped",
  driftStop: "Stop it",
  lastExit: (why: string) => `Last exit: ${why}`,
  resetTitle: (name: string) => `Reset ${name}?`,
  resetText:
    "It is stopped, and everything that the game wrote is dropped: logs, bans, demos, data of plug-ins. Settings, the files of its own and the RCON password stay.",
  killTitle: (name: string) => `Kill ${name}?`,
  killText: "The game ends at once and does not get to say goodbye to its players. Try Stop first.",
  stopTitle: (name: string) => `Stop ${name}?`,
  deleteTitle: (name: string) => `Delete ${name}?`,
  deleteText:
    "It is stopped, and all of it goes: its settings, what the game wrote, and the files of its own. Overlays and the blueprint stay.",
  logAll: "All runs",
  logCurrent: "Newest run",
  logWhich: "Which runs",
  neverStarted: "It was never started",
  neverStartedHint: "What is to be seen here comes with its first start.",
  logEmpty: "Nothing was written yet. It begins when the server is started.",
  logLabel: (name: string) => `Log of ${name}`,
  noOperate: "You may look at this server. Its owner can let you operate it.",
} as const;

export const players = {
  title: "Players",
  of: (n: number, max: number) => `${n}/${max}`,
  score: "Score",
  time: "Time",
  joined: "Joined",
  stillThere: "plays",
  nobody: "Nobody plays",
  notRunning: "It does not run",
  unknown: "It is not known who plays",
  unknownWhy: "The game has not answered yet, or loads a map.",
  nameless: (n: number) =>
    `${plural(n, "person plays", "people play")}. The game does not say who.`,
  joining: (n: number) => `${plural(n, "more is", "more are")} about to join.`,
  bots: (n: number) =>
    `Among these ${plural(n, "is a bot", "are bots")}: the game does not say which.`,
  past: "Who has played",
  pastHint: "By name: the game tells nothing else of a player to whoever asks.",
  pastNone: "Nobody has been seen yet.",
} as const;

export const log = {
  pause: "Pause",
  follow: (n: number) => (n > 0 ? `Follow (${n.toLocaleString("en")} new)` : "Follow"),
  missed: (n: number) => `${plural(n, "line", "lines")} left out`,
  lines: (n: number) => plural(n, "line", "lines"),
} as const;

export const serverSettings = {
  general: "Name and blueprint",
  changedElsewhere: "It was changed elsewhere meanwhile.",
  applyHint: "Changes apply at the next start.",
  ports: "Port",
  portHint: "Client port and SourceTV port go with it.",
  access: "Who else may",
  accessHint: "Owner and admins may everything.",
  accessNone: "Nobody else.",
  accessAdd: "Give access",
  accessUser: "User",
  accessUserHint: "The name of the account.",
  may: {
    view: "see it",
    operate: "start and stop it",
    console: "use its console",
    files: "change its files",
    manage: "change its settings",
  },
  secret: "RCON password",
  secretHint: "It opens the console of the server. A new one applies at the next start.",
  secretShow: "Show",
  secretHide: "Hide",
  secretNew: "Make a new one",
  secretNewTitle: "Make a new RCON password?",
  secretNewText:
    "Tools that use the old one stop working when the server is started the next time.",
  secretMade: "There is a new RCON password.",
  danger: "Delete",
  dangerHint: "All of the server goes. Overlays and the blueprint stay.",
} as const;
