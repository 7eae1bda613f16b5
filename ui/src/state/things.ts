// SPDX-License-Identifier: MIT

// things: the collections that pages show.

import * as api from "../api";
import type { Blueprint, Overlay, Server } from "../api/types";
import { collection } from "./collection";

const byName = (a: { name: string; id: number }, b: { name: string; id: number }): number =>
  a.name.localeCompare(b.name, undefined, { numeric: true, sensitivity: "base" }) || a.id - b.id;

export const servers = collection<Server>({
  topic: "servers",
  event: "server",
  load: async (after) => {
    const page = await api.servers.list(after);
    return { things: page.servers, next: page.next };
  },
  order: byName,
});

export const blueprints = collection<Blueprint>({
  topic: "blueprints",
  event: "blueprint",
  load: async (after) => {
    const page = await api.blueprints.list(after);
    return { things: page.blueprints, next: page.next };
  },
  order: byName,
});

export const overlays = collection<Overlay>({
  topic: "overlays",
  event: "overlay",
  load: async (after) => {
    const page = await api.overlays.list(after);
    return { things: page.overlays, next: page.next };
  },
  // The game first, then by name.
  order: (a, b) => Number(b.type === "game") - Number(a.type === "game") || byName(a, b),
});
