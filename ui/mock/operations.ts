// SPDX-License-Identifier: MIT

// operations: the routes of the stand-in, as a table.

import type { Owner } from "../src/api/types";
import { asked, checkMatch, checkName, first, must, nothing, Refusal, type Run } from "./call";
import { act, stack, explain, players, pastPlayers, drift } from "./servers";
import {
  beginUpload,
  deleteFile,
  etagOf,
  finishUpload,
  listFiles,
  makeParents,
  move,
  pathOf,
  tree,
  uploadJson,
  writeFile,
} from "./files";
import { blueprintOf, putBlueprint, preview } from "./blueprints";
import { addOverlay, build, select, putText, diff } from "./overlays";
import { now } from "./world";

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

const give: Run = (world, call) => {
  const things = {
    server: world.servers,
    blueprint: world.blueprints,
    overlay: world.overlays,
  };
  const kind = call.path.split("/")[1]?.slice(0, -1) as keyof typeof things;
  const thing = must<{ owner: Owner | null }>(things[kind].get(first(call)), kind);
  const { id, name } = must(
    world.users.find((user) => user.id === call.body["owner"]),
    "user",
  );
  thing.owner = { id, name };
  world.tell(kind, thing);
  return { json: { owner: thing.owner } };
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

// As a new machine has them.
const SETTINGS = {
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
};

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

  ["PUT", /^\/(?:servers|blueprints|overlays)\/(\d+)\/owner$/, give],
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
  ["GET", /^\/settings$/, () => ({ json: SETTINGS })],
  ["PATCH", /^\/settings$/, (_world, call) => ({ json: { ...SETTINGS, ...call.body } })],
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
