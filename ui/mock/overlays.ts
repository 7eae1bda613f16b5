// SPDX-License-Identifier: MIT

// overlays: made, built, chosen and compared.

import type { Overlay } from "../src/api/types";
import { asked, checkMatch, checkName, first, must, Refusal, type Run } from "./call";

export const addOverlay: Run = (world, call) => {
  const name = checkName(call);
  if ([...world.overlays.values()].some((overlay) => overlay.name === name))
    throw new Refusal(409, "exists", `an overlay is called '${name}' already`, "name");
  return asked(
    world.job("overlay.create", {}, call.body, 1, () => {
      const id = world.id();
      const overlay = world.addOverlay(id, name, call.body["type"] as Overlay["type"], 1, 0);
      world.texts.set(id, { text: String(call.body["text"] ?? ""), revision: 1 });
      world.tell("overlay", overlay);
      return { overlay: id };
    }),
  );
};

export const build =
  (kind: string): Run =>
  (world, call) =>
    asked(
      world.job(kind, { overlay: first(call) }, call.body, 20, () => world.published(first(call))),
    );

export const select: Run = (world, call) => {
  const id = first(call);
  const show = must(world.shows.get(id), "overlay");
  const wanted =
    Number(call.body["generation"]) ||
    (show.generations[show.generations.findIndex((row) => row === show.current) + 1]?.generation ??
      0);
  return asked(
    world.job("overlay.select", { overlay: id }, call.body, 1, () => {
      show.current = show.generations.find((row) => row.generation === wanted) ?? null;
      const overlay = must(world.overlays.get(id), "overlay");
      if (overlay.host)
        world.overlays.set(id, { ...overlay, host: { ...overlay.host, current: show.current } });
      world.tell("overlay", world.overlays.get(id));
      return { overlay: id, generation: wanted };
    }),
  );
};

export const putText: Run = (world, call) => {
  const old = must(world.texts.get(first(call)), "text");
  checkMatch(call, old.revision);
  const next = { text: String(call.body["text"]), revision: old.revision + 1 };
  world.texts.set(first(call), next);
  return { json: {}, etag: `"${next.revision}"` };
};

export const diff: Run = (_world, call) => ({
  json: {
    overlay: first(call),
    from: Number(call.query.get("from")),
    to: Number(call.query.get("to")),
    changes: [
      {
        path: "left4dead2/addons/sourcemod/plugins/x.smx",
        change: "added",
        directory: false,
        size: 4000,
        size_before: 0,
        compared: true,
      },
      {
        path: "left4dead2/addons/sourcemod/configs",
        change: "changed",
        directory: true,
        size: 0,
        size_before: 0,
        compared: true,
      },
      {
        path: "left4dead2/addons/sourcemod/plugins/y.smx",
        change: "rewritten",
        directory: false,
        size: 400,
        size_before: 300,
        compared: false,
      },
      {
        path: "left4dead2/maps/old.bsp",
        change: "removed",
        directory: false,
        size: 0,
        size_before: 90_000_000,
        compared: true,
      },
    ],
  },
});
