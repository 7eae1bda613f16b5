// SPDX-License-Identifier: MIT

// draft: a blueprint as it is edited: what a form has is text.

import type { Blueprint, BlueprintDraft, BlueprintOverlay } from "../../api/types";
import { text } from "../../strings";
import { joinWords, splitWords } from "../../words";

const GIB = 1024 ** 3;

export interface Draft {
  name: string;
  arguments: string;
  config: string;
  overlays: BlueprintOverlay[];
  memory: string; // GiB; empty: that of the machine
  cpu: string;
  tasks: string;
  shared: boolean;
}

const shown = (n: number | null): string => (n === null ? "" : String(n));

export function draftOf(blueprint: Blueprint): Draft {
  const { limits } = blueprint;
  return {
    name: blueprint.name,
    arguments: joinWords(blueprint.arguments),
    config: blueprint.config,
    overlays: blueprint.overlays,
    memory: limits.memory_bytes === null ? "" : String(+(limits.memory_bytes / GIB).toFixed(3)),
    cpu: shown(limits.cpu_percent),
    tasks: shown(limits.tasks),
    shared: blueprint.shared,
  };
}

function numberOf(words: string): number | null {
  const trimmed = words.trim().replace(",", ".");
  return trimmed === "" ? null : Number(trimmed);
}

/** NaN of what is no number becomes null in JSON; the API is told so that it refuses it. */
function strict(n: number | null): number | null {
  return n !== null && Number.isNaN(n) ? -1 : n;
}

export function bodyOf(draft: Draft): BlueprintDraft {
  const memory = strict(numberOf(draft.memory));
  return {
    name: draft.name.trim(),
    arguments: splitWords(draft.arguments),
    config: draft.config,
    overlays: draft.overlays.map(({ id, expose_server_cfg }) => ({ id, expose_server_cfg })),
    limits: {
      memory_bytes: memory === null ? null : Math.round(memory * GIB),
      cpu_percent: strict(numberOf(draft.cpu)),
      tasks: strict(numberOf(draft.tasks)),
    },
    shared: draft.shared,
  };
}

/** What a field is called, and what it says, for who has to choose between two versions. */
export function describe(draft: Draft, key: keyof Draft): { label: string; words: string } {
  const labels: Record<keyof Draft, string> = {
    name: text.common.name,
    arguments: text.blueprint.arguments,
    config: text.blueprint.config,
    overlays: text.blueprint.overlays,
    memory: text.blueprint.memory,
    cpu: text.blueprint.cpu,
    tasks: text.blueprint.tasks,
    shared: text.blueprint.shared,
  };
  const value = draft[key];
  const words = Array.isArray(value)
    ? value
        .map((row) => row.name + (row.expose_server_cfg ? ` (${text.blueprint.expose})` : ""))
        .join("\n")
    : String(value);
  return { label: labels[key], words };
}
