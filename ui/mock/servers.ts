// SPDX-License-Identifier: MIT

// servers: what is done with them, and what they look like.

import type { Server } from "../src/api/types";
import { asked, first, must, type Run } from "./call";
import { now } from "./world";

const verbs: Record<string, Partial<Server>> = {
  start: { state: "running", wanted: "running", pending: [] },
  restart: { state: "running", wanted: "running", pending: [] },
  stop: { state: "stopped", wanted: "stopped" },
  reset: { state: "stopped", wanted: "stopped" },
  kill: { state: "stopped", wanted: "stopped" },
};

export const act: Run = (world, call) => {
  const id = first(call);
  const verb = call.words?.[1] ?? "";
  const change = must(verbs[verb], "verb");
  const server = must(world.servers.get(id), "server");
  world.setServer(id, { wanted: change.wanted ?? "stopped" });
  return asked(
    world.job(
      `server.${verb}`,
      { server: id },
      {},
      3,
      () => {
        if (server.name.startsWith('"') && verb === "start") {
          world.setServer(id, { state: "failed", exit: "the game crashed (SIGSEGV)" });
          throw new Error("the server ended before it was ready: SIGSEGV");
        }
        world.setServer(id, { ...change, since: now() });
        return { changed: true };
      },
      () => world.setServer(id, { state: change.state === "running" ? "starting" : "stopping" }),
    ),
  );
};

export const stack: Run = () => ({
  json: {
    name: "s1",
    seen: "as it runs",
    files: 12_345,
    bytes: 9_300_000_000,
    scanned: 2,
    stack: [
      { layer: "upper", overlay: null, generation: null },
      { layer: "config 3", overlay: null, generation: null },
      { layer: "sourcemod", overlay: 2, generation: 22 },
      { layer: "campaigns", overlay: 3, generation: 32 },
      { layer: "game", overlay: 1, generation: 13 },
    ],
    findings: [
      {
        layer: "campaigns",
        overlay: 3,
        generation: 32,
        severity: "error",
        code: "pack-broken",
        path: "left4dead2/addons/old.vpk",
        line: null,
        message: "this is a zip archive and no pack",
        remedy: "unpack it",
      },
      {
        layer: "config 3",
        overlay: null,
        generation: null,
        severity: "warning",
        code: "cvar-hidden",
        path: "left4dead2/cfg/server.cfg",
        line: 4,
        message: "the console does not know mp_gamemode",
        remedy: "set it with sm_cvar",
      },
    ],
    addons: [
      {
        layer: "campaigns",
        overlay: 3,
        generation: 32,
        name: "121088.vpk",
        title: "Dead before Dawn",
        state: "loaded",
        maps: 5,
        missions: 1,
      },
      {
        layer: "campaigns",
        overlay: 3,
        generation: 32,
        name: "old.vpk",
        title: "",
        state: "broken",
        maps: 0,
        missions: 0,
      },
    ],
    campaigns: [
      {
        layer: "campaigns",
        overlay: 3,
        generation: 32,
        name: "dbd",
        title: "Dead before Dawn",
        addon: "121088.vpk",
        maps: ["a", "b"],
        missing_maps: 1,
        loaded: true,
      },
    ],
    conflicts: [
      {
        winner: "121088.vpk",
        loser: "other.vpk",
        files: 3,
        equal_files: 0,
        example: "scripts/vscripts/x.nut",
        certainty: "unsure",
      },
    ],
    truncated: false,
  },
});

export const explain: Run = (_world, call) => ({
  json: {
    name: "s1",
    path: call.query.get("path"),
    seen: "as it runs",
    exists: true,
    game_path: null,
    certainty: "sure",
    layers: [
      {
        layer: "config 3",
        overlay: null,
        generation: null,
        role: "shown",
        entry: "file",
        size: 300,
      },
      { layer: "game", overlay: 1, generation: 13, role: "shadowed", entry: "file", size: 1200 },
    ],
    sources: [],
  },
});

const NAMES = ["Ellis", "<b>Nick</b>", "Rochelle"];

export const players: Run = (world, call) => {
  const server = world.servers.get(first(call));
  const known = server?.players ?? null;
  const since = Math.floor(Date.now() / 1000) - 1500;
  return {
    json: {
      server: first(call),
      known: known !== null,
      n: null,
      bots: null,
      max: null,
      map: null,
      ...known,
      players: known && NAMES.map((name, i) => ({ name, score: 12 - i, since: since + i * 300 })),
    },
  };
};

export const pastPlayers: Run = (world, call) => {
  const joined = Math.floor(Date.now() / 1000) - 90_000;
  const isKnown = Boolean(world.servers.get(first(call))?.players);
  return {
    json: {
      sessions: isKnown
        ? [{ id: 1, name: "Zoey", player: null, score: 40, joined, left: joined + 4000 }]
        : [],
      next: null,
    },
  };
};

export const drift: Run = () => ({
  json: {
    name: "s1",
    entries: [
      {
        path: "left4dead2/logs/L001.log",
        change: "added",
        entry: "file",
        size: 80_000,
        size_before: null,
      },
      {
        path: "left4dead2/cfg/banned_user.cfg",
        change: "changed",
        entry: "file",
        size: 90,
        size_before: 60,
      },
      {
        path: "left4dead2/addons/sourcemod/data",
        change: "added",
        entry: "dir",
        size: null,
        size_before: null,
      },
      {
        path: "left4dead2/motd.txt",
        change: "removed",
        entry: "file",
        size: null,
        size_before: 40,
      },
    ],
    bytes: 80_090,
    truncated: false,
  },
});
