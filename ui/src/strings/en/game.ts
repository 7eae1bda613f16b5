// SPDX-License-Identifier: MIT
//
// game: the game: installing and updating it.

export const game = {
  title: "Game",
  generation: "Generation",
  build: "Build",
  disk: "Disk, all generations",
  none: "The game is not installed yet",
  noneHint: "Servers need it. SteamCMD fetches it: some 10 GB, once for all servers.",
  install: "Install",
  installHint: "SteamCMD must be on the machine: Machine says whether it is.",
  installRun: "Install the game",
  update: "Update",
  updateHint: "Servers that run keep what they have until they are restarted.",
  updateRun: "Update now",
  hold: "Hold it back",
  holdHint:
    "Servers that start go on with the version they have, until the new one is made the current one below. So it can be tried on one server first.",
  installed: "The game is up to date.",
  unchanged: "There is no newer version.",
  rollout: "Give it to the servers",
  rolloutHint: "Restarts those that run and wait for a newer version of the game.",
  rolloutRun: "Restart them",
  rolledOut: "The servers run the newest version.",
  noneWaiting: "No server waits for it.",
  waiting: (names: readonly string[]) => `Waiting: ${names.join(", ")}.`,
  policy: "If somebody plays there",
  policyWait: "Wait",
  policyWaitHint: "until the last player has left",
  policySkip: "Leave it out",
  policySkipHint: "it takes the new version at its next restart",
  policyForce: "Restart it anyway",
  policyForceHint: "players are thrown out",
} as const;
