// SPDX-License-Identifier: MIT
//
// machine: the machine: its health and its settings.

export const machine = {
  title: "Machine",
  health: "Health",
  healthHint: "What l4d2ctl doctor finds.",
  lookAgain: "Look again",
  unhealthy: "Something is missing. What is to be done stands beside it.",
  check: "Check",
  verdict: "Verdict",
  verdicts: { ok: "good", warn: "look at it", fail: "fault" },
  found: "Found",
  remedy: (words: string) => `Remedy: ${words}`,
} as const;

export const settings = {
  title: "Settings",
  portFrom: "First port",
  portTo: "Last port",
  portHint: "New servers get a free one between them.",
  logDays: "Keep jobs (days)",
  historyDays: "Keep history (days)",
  auditDays: "Keep changes (days)",
  userServers: "Servers per user",
  userBlueprints: "Blueprints per user",
  userOverlays: "Overlays per user",
  repair: "Repair by itself",
  repairHint:
    "A server that should run and does not is started, one that should be stopped and runs is stopped.",
  metrics: "Metrics for everybody on the machine",
  metricsHint: "GET /metrics without a token, from the machine itself.",
} as const;
