// SPDX-License-Identifier: MIT

// operations: the routes of the stand-in, as a table.

import type { BlueprintDraft, Job, Overlay, Server } from "../src/api/types";
import { now, type World } from "./world";

export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
  bytes: Buffer;
  ifMatch: string | undefined;
  ids: number[];
  words?: string[];
}

export interface Result {
  status?: number;
  json?: unknown;
  etag?: string;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    message: string,
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

type Run = (world: World, call: Call) => Result;

function must<T>(thing: T | undefined, what: string): T {
  if (thing === undefined) throw new Refusal(404, "not-found", `there is no such ${what}`);
  return thing;
}

const first = (call: Call): number => call.ids[0] ?? 0;
const asked = (job: Job): Result => ({ status: 202, json: { job } });
const nothing: Result = { status: 204 };

function checkMatch(call: Call, revision: number): void {
  if (!call.ifMatch) throw new Refusal(428, "invalid", "say which revision is changed: If-Match");
  if (call.ifMatch !== `"${revision}"`)
    throw new Refusal(412, "busy", "somebody has changed it meanwhile");
}

function checkName(call: Call): string {
  const name = String(call.body["name"] ?? "");
  if (name === "") throw new Refusal(400, "invalid", "'name' must have 1 to 64 bytes", "name");
  return name;
}

// ---- servers ----------------------------------------------------------------------------------

const verbs: Record<string, Partial<Server>> = {
  start: { state: "running", wanted: "running", pending: [] },
  restart: { state: "running", wanted: "running", pending: [] },
  stop: { state: "stopped", wanted: "stopped" },
  reset: { state: "stopped", wanted: "stopped" },
  kill: { state: "stopped", wanted: "stopped" },
};

const act: Run = (world, call) => {
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

const stack: Run = () => ({
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

const explain: Run = (_world, call) => ({
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

const players: Run = (world, call) => {
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

const pastPlayers: Run = (world, call) => {
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

const drift: Run = () => ({
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

// ---- files ------------------------------------------------------------------------------------

function tree(world: World, call: Call): Map<string, Uint8Array | null> {
  return must(world.files.get(first(call)), "tree");
}

const pathOf = (call: Call): string => call.query.get("path") ?? "";
const etagOf = (bytes: Uint8Array | null): string => `"f${bytes?.length ?? 0}"`;

const listFiles: Run = (world, call) => {
  const path = pathOf(call);
  const prefix = path ? path + "/" : "";
  const entries = [...tree(world, call)]
    .filter(([name]) => name.startsWith(prefix) && !name.slice(prefix.length).includes("/"))
    .map(([name, bytes]) => ({
      name: name.slice(prefix.length),
      kind: bytes === null ? "dir" : "file",
      size: bytes?.length ?? 0,
      changed: now() - 4000,
      program: false,
      etag: etagOf(bytes),
    }))
    .filter((entry) => entry.name !== "")
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    json: { overlay: first(call), entries, next: null, used_bytes: 12_345, used_entries: 7 },
  };
};

function makeParents(files: Map<string, Uint8Array | null>, path: string): void {
  const words = path.split("/");
  for (let i = 1; i < words.length; i++) {
    const above = words.slice(0, i).join("/");
    if (!files.has(above)) files.set(above, null);
  }
}

const writeFile: Run = (world, call) => {
  const files = tree(world, call);
  const old = files.get(pathOf(call));
  if (call.ifMatch && old && call.ifMatch !== etagOf(old))
    throw new Refusal(412, "exists", "somebody has changed the file meanwhile");
  makeParents(files, pathOf(call));
  files.set(pathOf(call), call.bytes);
  return { json: {}, etag: etagOf(call.bytes) };
};

const move: Run = (world, call) => {
  const files = tree(world, call);
  const from = String(call.body["from"]);
  const to = String(call.body["to"]);
  if (files.has(to))
    throw new Refusal(409, "exists", `there is something at '${to}' already`, "to");
  for (const [path, bytes] of [...files])
    if (path === from || path.startsWith(from + "/")) {
      files.delete(path);
      files.set(to + path.slice(from.length), bytes);
    }
  makeParents(files, to);
  return { json: {} };
};

const deleteFile: Run = (world, call) => {
  const files = tree(world, call);
  for (const path of [...files.keys()])
    if (path === pathOf(call) || path.startsWith(pathOf(call) + "/")) files.delete(path);
  return nothing;
};

function uploadJson(world: World, id: string): Result {
  const upload = must(world.uploads.get(id), "upload");
  const { path, size, chunk, parts } = upload;
  return {
    json: {
      upload: id,
      path,
      size,
      chunk_bytes: chunk,
      chunks: Math.ceil(size / chunk),
      there: [...parts.keys()].map((n) => [n, n]),
    },
  };
}

const beginUpload: Run = (world, call) => {
  const id = `u${world.id()}`;
  const path = String(call.body["path"]);
  if (tree(world, call).has(path) && !call.body["replace"])
    throw new Refusal(409, "exists", `there is something at '${path}' already`, "path");
  world.uploads.set(id, {
    overlay: first(call),
    path,
    size: Number(call.body["size"]),
    chunk: Number(call.body["chunk_bytes"]),
    parts: new Map(),
  });
  return { ...uploadJson(world, id), status: 201 };
};

const finishUpload: Run = (world, call) => {
  const upload = must(world.uploads.get(call.words?.[1] ?? ""), "upload");
  const bytes = Buffer.concat(
    [...upload.parts].sort((a, b) => a[0] - b[0]).map(([, part]) => part),
  );
  makeParents(tree(world, call), upload.path);
  tree(world, call).set(upload.path, bytes);
  return { json: {} };
};

// ---- blueprints -------------------------------------------------------------------------------

function blueprintOf(world: World, body: Record<string, unknown>, id: number, revision: number) {
  const draft = body as unknown as BlueprintDraft;
  return {
    ...draft,
    id,
    owner: { id: 1, name: world.user.name },
    overlays: draft.overlays.map((row) => {
      const overlay = must(world.overlays.get(row.id), "overlay");
      return { ...row, name: overlay.name, type: overlay.type };
    }),
    n_servers: [...world.servers.values()].filter((server) => server.blueprint.id === id).length,
    may: ["view" as const, "manage" as const],
    revision,
    created: now(),
    changed: now(),
  };
}

const putBlueprint: Run = (world, call) => {
  const old = must(world.blueprints.get(first(call)), "blueprint");
  checkMatch(call, old.revision);
  checkName(call);
  const config = String(call.body["config"]);
  if (/rcon_password/.test(config))
    throw new Refusal(400, "invalid", "line 3 of the config sets rcon_password", "config");
  const next = blueprintOf(world, call.body, old.id, old.revision + 1);
  world.blueprints.set(old.id, next);
  world.tell("blueprint", next);
  for (const server of world.servers.values())
    if (server.blueprint.id === old.id && server.state === "running")
      world.setServer(server.id, { pending: ["config"] });
  return { json: next };
};

const preview: Run = (world, call) => ({
  json: {
    server_cfg: `// Generated by left4me.\nexec server_overlay_2\n${String(call.body["config"] ?? "")}// What follows is not to be overridden.\nhostname "…"\nrcon_password "…"\nlog on\n`,
    arguments: ["-game", "left4dead2", ...((call.body["arguments"] as string[]) ?? [])],
    servers: [...world.servers.values()]
      .filter((server) => server.blueprint.id === first(call))
      .map((server) => ({ id: server.id, name: server.name, changes: ["config", "overlays"] })),
    problems: [
      {
        field: "config",
        index: 3,
        message: "the console does not know mp_gamemode: set it with sm_cvar",
      },
    ],
  },
});

// ---- overlays ---------------------------------------------------------------------------------

const addOverlay: Run = (world, call) => {
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

const build =
  (kind: string): Run =>
  (world, call) =>
    asked(
      world.job(kind, { overlay: first(call) }, call.body, 20, () => world.published(first(call))),
    );

const select: Run = (world, call) => {
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

const putText: Run = (world, call) => {
  const old = must(world.texts.get(first(call)), "text");
  checkMatch(call, old.revision);
  const next = { text: String(call.body["text"]), revision: old.revision + 1 };
  world.texts.set(first(call), next);
  return { json: {}, etag: `"${next.revision}"` };
};

const diff: Run = (_world, call) => ({
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

// ---- all of them ------------------------------------------------------------------------------

const jobList: Run = (world, call) => {
  const server = call.query.get("server");
  const overlay = call.query.get("overlay");
  const jobs = [...world.jobs.values()]
    .filter((job) => !server || job.server === Number(server))
    .filter((job) => !overlay || job.overlay === Number(overlay))
    .sort((a, b) => b.id - a.id);
  return { json: { jobs, next: null } };
};

const login: Run = (world, call) => {
  if (call.body["password"] === "wrong")
    throw new Refusal(401, "denied", "the name or the password is wrong");
  if (call.body["name"] === "bob" && call.body["code"] !== "123456")
    throw new Refusal(
      401,
      "denied",
      call.body["code"] ? "the code is wrong" : "a code is needed",
      "code",
    );
  world.isLoggedIn = true;
  return { json: { user: world.user } };
};

const session = (id: number, current: boolean) => ({
  id,
  address: "192.0.2.7",
  agent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
  created: now() - 9000,
  seen: now() - id * 500,
  expires: now() + 86_400,
  current,
});

export const operations: readonly [string, RegExp, Run][] = [
  ["POST", /^\/mock\/expire$/, (world) => ((world.isLoggedIn = false), nothing)],
  [
    "POST",
    /^\/mock\/flood$/,
    (world, call) => {
      let n = Number(call.body["n"]);
      const server = Number(call.body["server"]);
      const timer = setInterval(() => {
        world.say(server, `flood ${n}: "Coach<2><BOT><Survivor>" picked up item "first_aid_kit"`);
        if (--n <= 0) clearInterval(timer);
      }, 10);
      return nothing;
    },
  ],
  ["GET", /^\/setup$/, (world) => ({ json: { needed: world.isSetupNeeded } })],
  ["POST", /^\/session$/, login],
  ["DELETE", /^\/session$/, (world) => ((world.isLoggedIn = false), nothing)],
  ["POST", /^\/join$/, login],
  ["GET", /^\/me$/, (world) => ({ json: world.user })],
  [
    "PUT",
    /^\/me\/password$/,
    (world, call) => {
      if (call.body["old_password"] === "wrong")
        throw new Refusal(403, "denied", "the old password is wrong", "old_password");
      return { json: { user: world.user } };
    },
  ],
  [
    "GET",
    /^\/me\/sessions$/,
    () => ({ json: { sessions: [session(1, true), session(2, false)] } }),
  ],
  ["DELETE", /^\/me\/sessions(?:\/(\d+))?$/, () => nothing],
  [
    "POST",
    /^\/me\/totp$/,
    () => ({
      json: {
        secret: "JBSWY3DPEHPK3PXP",
        uri: "otpauth://totp/left4me:alice?secret=JBSWY3DPEHPK3PXP&issuer=left4me",
      },
    }),
  ],
  [
    "PUT",
    /^\/me\/totp$/,
    (world, call) => {
      if (call.body["code"] !== "123456")
        throw new Refusal(400, "invalid", "the code is wrong", "code");
      world.user.totp = true;
      return { json: { recovery_codes: ["aaaa-bbbb-cccc", "dddd-eeee-ffff"] } };
    },
  ],
  ["DELETE", /^\/me\/totp$/, (world) => ((world.user.totp = false), nothing)],
  ["GET", /^\/me\/tokens$/, (world) => ({ json: { tokens: world.tokens } })],
  [
    "POST",
    /^\/me\/tokens$/,
    (world, call) => {
      const id = world.id();
      world.tokens.push({
        id,
        name: checkName(call),
        scope: "read",
        created: now(),
        expires: null,
        used: null,
      });
      return { status: 201, json: { id, token: "l4t_0123456789abcdef0123456789abcdef" } };
    },
  ],
  [
    "DELETE",
    /^\/me\/tokens\/(\d+)$/,
    (world, call) => ((world.tokens = world.tokens.filter((t) => t.id !== first(call))), nothing),
  ],

  ["GET", /^\/users$/, (world) => ({ json: { users: world.users } })],
  [
    "PATCH",
    /^\/users\/(\d+)$/,
    (world, call) => {
      const user = must(
        world.users.find((one) => one.id === first(call)),
        "user",
      );
      Object.assign(user, call.body);
      return { json: user };
    },
  ],
  [
    "DELETE",
    /^\/users\/(\d+)$/,
    () => {
      throw new Refusal(
        409,
        "busy",
        "bob still owns 1 blueprint: give it to somebody or delete it",
      );
    },
  ],
  ["POST", /^\/users\/(\d+)\/invitation$/, () => ({ json: { id: 9, invitation: "l4i_word" } })],
  [
    "GET",
    /^\/invitations$/,
    () => ({
      json: {
        invitations: [
          {
            id: 4,
            name: "carol",
            role: "user",
            user: null,
            made_by: 1,
            created: now() - 60,
            expires: now() + 86_400 * 3,
          },
        ],
      },
    }),
  ],
  ["POST", /^\/invitations$/, () => ({ status: 201, json: { id: 9, invitation: "l4i_word" } })],
  ["DELETE", /^\/invitations\/(\d+)$/, () => nothing],
  [
    "GET",
    /^\/audit$/,
    () => ({
      json: {
        events: [
          {
            id: 2,
            time_us: now() * 1e6,
            user: 1,
            user_name: "alice",
            origin: "192.0.2.7",
            action: "blueprint.change",
            subject: "Versus",
            before: { config: "a" },
            after: { config: "b" },
          },
        ],
        before: null,
      },
    }),
  ],

  [
    "GET",
    /^\/servers$/,
    (world) => ({
      json: {
        servers: [...world.servers.values()].map((s) => ({ ...s, status: undefined })),
        next: null,
      },
    }),
  ],
  [
    "POST",
    /^\/servers$/,
    (world, call) => {
      const name = checkName(call);
      if (!call.body["blueprint"])
        throw new Refusal(400, "invalid", "'blueprint' must be a number", "blueprint");
      return {
        status: 201,
        json: world.addServer({ ...(call.body as { blueprint: number }), name }),
      };
    },
  ],
  [
    "GET",
    /^\/servers\/(\d+)$/,
    (world, call) => ({ json: must(world.servers.get(first(call)), "server") }),
  ],
  [
    "PATCH",
    /^\/servers\/(\d+)$/,
    (world, call) => {
      const server = must(world.servers.get(first(call)), "server");
      checkMatch(call, server.revision);
      const { name, hostname } = call.body as { name?: string; hostname?: string };
      return {
        json: world.setServer(server.id, {
          name: name ?? server.name,
          hostname: hostname ?? server.hostname,
          revision: server.revision + 1,
          pending: ["config"],
        }),
      };
    },
  ],
  [
    "DELETE",
    /^\/servers\/(\d+)$/,
    (world, call) =>
      asked(
        world.job("server.delete", { server: first(call) }, {}, 2, () => {
          world.servers.delete(first(call));
          world.tell("server", { id: first(call), deleted: true });
          return {};
        }),
      ),
  ],
  ["POST", /^\/servers\/(\d+)\/(start|stop|restart|reset|kill)$/, act],
  [
    "POST",
    /^\/servers\/(\d+)\/overlay$/,
    (world, call) =>
      asked(
        world.job("server.overlay", { server: first(call) }, {}, 1, () => {
          world.setServer(first(call), { overlay: 4 });
          return { overlay: 4 };
        }),
      ),
  ],
  [
    "GET",
    /^\/servers\/(\d+)\/log$/,
    (world, call) => ({
      json: {
        lines: (world.logs.get(first(call)) ?? []).slice(-Number(call.query.get("lines") ?? 50)),
      },
    }),
  ],
  ["GET", /^\/servers\/(\d+)\/stack$/, stack],
  ["GET", /^\/servers\/(\d+)\/explain$/, explain],
  ["GET", /^\/servers\/(\d+)\/drift$/, drift],
  ["GET", /^\/servers\/(\d+)\/players$/, players],
  ["GET", /^\/servers\/(\d+)\/players\/history$/, pastPlayers],
  [
    "GET",
    /^\/servers\/(\d+)\/upper\/content$/,
    () => ({ json: new TextEncoder().encode("banid 0 STEAM_1:0:1\n") }),
  ],
  [
    "DELETE",
    /^\/servers\/(\d+)\/upper$/,
    (world, call) => asked(world.job("server.drop", { server: first(call) }, {}, 1, () => ({}))),
  ],
  [
    "POST",
    /^\/servers\/(\d+)\/upper\/keep$/,
    (world, call) =>
      asked(world.job("server.keep", { server: first(call) }, {}, 1, () => ({ overlay: 4 }))),
  ],
  [
    "GET",
    /^\/servers\/(\d+)\/grants$/,
    () => ({ json: { grants: [{ user: { id: 2, name: "bob" }, may: ["view", "operate"] }] } }),
  ],
  ["PUT", /^\/servers\/(\d+)\/grants$/, () => ({ json: { grants: [] } })],
  ["GET", /^\/servers\/(\d+)\/secret$/, () => ({ json: { rcon_password: "s3cret-words" } })],
  ["POST", /^\/servers\/(\d+)\/secret$/, () => ({ json: { rcon_password: "n3w-words" } })],

  [
    "GET",
    /^\/blueprints$/,
    (world) => ({ json: { blueprints: [...world.blueprints.values()], next: null } }),
  ],
  [
    "POST",
    /^\/blueprints$/,
    (world, call) => {
      checkName(call);
      const blueprint = blueprintOf(world, call.body, world.id(), 1);
      world.blueprints.set(blueprint.id, blueprint);
      world.tell("blueprint", blueprint);
      return { status: 201, json: blueprint };
    },
  ],
  [
    "GET",
    /^\/blueprints\/(\d+)$/,
    (world, call) => ({ json: must(world.blueprints.get(first(call)), "blueprint") }),
  ],
  ["PUT", /^\/blueprints\/(\d+)$/, putBlueprint],
  [
    "DELETE",
    /^\/blueprints\/(\d+)$/,
    (world, call) => {
      const blueprint = must(world.blueprints.get(first(call)), "blueprint");
      if (blueprint.n_servers > 0)
        throw new Refusal(
          409,
          "busy",
          `${blueprint.n_servers} servers are made from it: delete them or give them another blueprint`,
        );
      world.blueprints.delete(blueprint.id);
      world.tell("blueprint", { id: blueprint.id, deleted: true });
      return nothing;
    },
  ],
  [
    "POST",
    /^\/blueprints\/(\d+)\/copy$/,
    (world, call) => {
      const blueprint = {
        ...must(world.blueprints.get(first(call)), "blueprint"),
        id: world.id(),
        name: checkName(call),
        n_servers: 0,
        revision: 1,
      };
      world.blueprints.set(blueprint.id, blueprint);
      return { status: 201, json: blueprint };
    },
  ],
  ["POST", /^\/blueprints\/(\d+)\/preview$/, preview],

  [
    "GET",
    /^\/overlays$/,
    (world) => ({ json: { overlays: [...world.overlays.values()], next: null } }),
  ],
  ["POST", /^\/overlays$/, addOverlay],
  [
    "GET",
    /^\/overlays\/(\d+)$/,
    (world, call) => ({ json: must(world.overlays.get(first(call)), "overlay") }),
  ],
  [
    "PATCH",
    /^\/overlays\/(\d+)$/,
    (world, call) =>
      asked(world.job("overlay.set", { overlay: first(call) }, call.body, 1, () => ({}))),
  ],
  [
    "DELETE",
    /^\/overlays\/(\d+)$/,
    (world, call) =>
      asked(
        world.job("overlay.delete", { overlay: first(call) }, {}, 1, () => {
          if (first(call) === 2) throw new Error("the servers s1 and s2 have it");
          world.overlays.delete(first(call));
          world.tell("overlay", { id: first(call), deleted: true });
          return {};
        }),
      ),
  ],
  [
    "GET",
    /^\/overlays\/(\d+)\/text$/,
    (world, call) => {
      const source = must(world.texts.get(first(call)), "text");
      return { json: { text: source.text }, etag: `"${source.revision}"` };
    },
  ],
  ["PUT", /^\/overlays\/(\d+)\/text$/, putText],
  ["POST", /^\/overlays\/(\d+)\/build$/, build("overlay.build")],
  ["POST", /^\/overlays\/(\d+)\/wipe$/, build("overlay.wipe")],
  ["POST", /^\/overlays\/(\d+)\/(?:rollback|select)$/, select],
  [
    "GET",
    /^\/overlays\/(\d+)\/generations$/,
    (world, call) => ({ json: must(world.shows.get(first(call)), "overlay") }),
  ],
  ["GET", /^\/overlays\/(\d+)\/diff$/, diff],
  ["GET", /^\/overlays\/(\d+)\/explain$/, stack],
  ["GET", /^\/me\/totp$/, (world) => ({ json: { enabled: world.user.totp, recovery_codes: 9 } })],
  ["GET", /^\/overlays\/(\d+)\/files$/, listFiles],
  ["DELETE", /^\/overlays\/(\d+)\/files$/, deleteFile],
  [
    "GET",
    /^\/overlays\/(\d+)\/files\/content$/,
    (world, call) => {
      const bytes = must(tree(world, call).get(pathOf(call)) ?? undefined, "file");
      return { json: bytes, etag: etagOf(bytes) };
    },
  ],
  ["PUT", /^\/overlays\/(\d+)\/files\/content$/, writeFile],
  ["GET", /^\/overlays\/(\d+)\/files\/zip$/, () => ({ json: new Uint8Array([80, 75, 5, 6]) })],
  [
    "POST",
    /^\/overlays\/(\d+)\/files\/mkdir$/,
    (world, call) => {
      const path = String(call.body["path"]);
      makeParents(tree(world, call), path + "/x");
      return { json: {} };
    },
  ],
  ["POST", /^\/overlays\/(\d+)\/files\/move$/, move],
  ["POST", /^\/overlays\/(\d+)\/files\/uploads$/, beginUpload],
  [
    "GET",
    /^\/overlays\/(\d+)\/files\/uploads\/(\w+)$/,
    (world, call) => uploadJson(world, call.words?.[1] ?? ""),
  ],
  [
    "PUT",
    /^\/overlays\/(\d+)\/files\/uploads\/(\w+)$/,
    (world, call) => {
      const upload = must(world.uploads.get(call.words?.[1] ?? ""), "upload");
      upload.parts.set(Number(call.query.get("offset")) / upload.chunk, call.bytes);
      return nothing;
    },
  ],
  ["POST", /^\/overlays\/(\d+)\/files\/uploads\/(\w+)\/finish$/, finishUpload],
  ["DELETE", /^\/overlays\/(\d+)\/files\/uploads\/(\w+)$/, () => nothing],
  [
    "POST",
    /^\/overlays\/(\d+)\/files\/extract$/,
    (world, call) =>
      asked(
        world.job("overlay.extract", { overlay: first(call) }, call.body, 4, () => ({ files: 3 })),
      ),
  ],

  ["GET", /^\/jobs$/, jobList],
  ["GET", /^\/jobs\/(\d+)$/, (world, call) => ({ json: must(world.jobs.get(first(call)), "job") })],
  [
    "GET",
    /^\/jobs\/(\d+)\/log$/,
    (world, call) => {
      const after = Number(call.query.get("after") ?? 0);
      return {
        json: {
          lines: (world.jobLines.get(first(call)) ?? []).filter((line) => line.number > after),
          next: null,
        },
      };
    },
  ],
  [
    "POST",
    /^\/jobs\/(\d+)\/cancel$/,
    (world, call) => ({ json: world.setJob(first(call), { cancelling: true }) }),
  ],

  [
    "GET",
    /^\/game$/,
    (world) => ({
      json: {
        overlay: world.overlays.get(1),
        rollout: null,
        install:
          [...world.jobs.values()].filter((job) => job.kind === "game.install").pop() ?? null,
      },
    }),
  ],
  [
    "POST",
    /^\/game\/install$/,
    (world, call) =>
      asked(world.job("game.install", { overlay: 1 }, call.body, 25, () => world.published(1))),
  ],
  [
    "POST",
    /^\/game\/rollout$/,
    (world, call) => asked(world.job("game.rollout", {}, call.body, 5, () => ({}))),
  ],
  [
    "GET",
    /^\/settings$/,
    () => ({
      json: {
        port_from: 27015,
        port_to: 27100,
        log_days: 30,
        history_days: 90,
        audit_days: 365,
        user_servers: 32,
        user_blueprints: 256,
        user_overlays: 128,
        repair: "off",
        metrics_open: "off",
      },
    }),
  ],
  [
    "PATCH",
    /^\/settings$/,
    (_world, call) => ({
      json: {
        port_from: 27015,
        port_to: 27100,
        log_days: 30,
        history_days: 90,
        audit_days: 365,
        user_servers: 32,
        user_blueprints: 256,
        user_overlays: 128,
        repair: "off",
        metrics_open: "off",
        ...call.body,
      },
    }),
  ],
  [
    "GET",
    /^\/machine$/,
    () => ({
      json: {
        healthy: false,
        checks: [
          { check: "kernel", verdict: "ok", found: "6.12.48", remedy: null },
          {
            check: "disk space",
            verdict: "warn",
            found: "31 GB are free of 500 GB",
            remedy: "remove what is not needed below /var/lib/left4me",
          },
          {
            check: "SteamCMD",
            verdict: "fail",
            found: "nobody has said where it is",
            remedy: "l4d2ctl install --steamcmd PATH",
          },
        ],
      },
    }),
  ],
];
