// SPDX-License-Identifier: MIT

// serverstate: the state of a server in a word, and what waits for a restart in a sentence.

import type { Server, ServerState } from "../api/types";
import { joined } from "../format";
import { text } from "../strings";
import { Badge, type Tone } from "./layout";

const TONES: Record<ServerState, Tone> = {
  stopped: "calm",
  starting: "busy",
  running: "good",
  stopping: "busy",
  failed: "bad",
  restarting: "warn",
  unfinished: "warn",
  unknown: "warn",
};

export function StateBadge({ state }: { state: ServerState }) {
  return (
    <Badge tone={TONES[state] ?? "warn"}>
      <span class="dot" aria-hidden="true" />
      {text.states[state] ?? state}
    </Badge>
  );
}

/** There is something that a stop can end. */
export const isUp = (server: Server): boolean =>
  ["running", "starting", "restarting", "stopping"].includes(server.state);

/** "2 overlays and the config", of the words that the status has. */
export function pendingWords(pending: readonly string[]): string {
  const names: Record<string, string> = {
    overlays: text.server.pendingOverlayList,
    config: text.server.pendingConfig,
    ports: text.server.pendingPorts,
    limits: text.server.pendingLimits,
    "first start": text.server.pendingFirst,
  };
  const nOverlays = pending.filter((word) => /^overlay [0-9]+$/.test(word)).length;
  const words = nOverlays > 0 ? [text.server.pendingOverlays(nOverlays)] : [];
  for (const word of pending) if (!/^overlay [0-9]+$/.test(word)) words.push(names[word] ?? word);
  return joined(words);
}

export const mayOperate = (server: Server): boolean => server.may.includes("operate");
export const mayManage = (server: Server): boolean => server.may.includes("manage");
export const mayFiles = (server: Server): boolean => server.may.includes("files");
