// SPDX-License-Identifier: MIT
//
// world: what the stand-in for the back end knows, and how it changes. Only as true as it must be
// for the page to be looked at; what is right is decided by the back end and its tests.

import type {
  Blueprint,
  HostOverlay,
  HostOverlayShow,
  Job,
  JobLine,
  Overlay,
  Server,
  ServerLine,
  Token,
  User,
} from "../src/api/types";

export const now = (): number => Math.floor(Date.now() / 1000);
const nowUs = (): number => Date.now() * 1000;

export type Listener = (event: string, data: unknown) => void;

const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;

export class World {
  user: User = {
    id: 1,
    name: "alice",
    role: "admin",
    active: true,
    password: true,
    totp: false,
    created: now() - 86_400 * 40,
    login: now() - 500,
  };
  users: User[] = [
    this.user,
    { ...this.user, id: 2, name: "bob", role: "user", totp: true, login: now() - 86_400 * 3 },
    { ...this.user, id: 3, name: HOSTILE.slice(0, 60), role: "user", active: false, login: null },
  ];
  isLoggedIn = true;
  isSetupNeeded = false;
  servers = new Map<number, Server>();
  blueprints = new Map<number, Blueprint>();
  overlays = new Map<number, Overlay>();
  shows = new Map<number, HostOverlayShow>();
  texts = new Map<number, { text: string; revision: number }>();
  jobs = new Map<number, Job>();
  jobLines = new Map<number, JobLine[]>();
  logs = new Map<number, ServerLine[]>();
  files = new Map<number, Map<string, Uint8Array | null>>();
  uploads = new Map<
    string,
    { overlay: number; path: string; size: number; chunk: number; parts: Map<number, Uint8Array> }
  >();
  tokens: Token[] = [];
  listeners = new Set<Listener>();
  private nextId = 100;

  constructor() {
    this.fill();
    setInterval(() => this.chatter(), 1500).unref();
  }

  tell(event: string, data: unknown): void {
    for (const listener of this.listeners) listener(event, data);
  }

  id(): number {
    return this.nextId++;
  }

  // ---- servers --------------------------------------------------------------------------------

  addServer(draft: { name: string; blueprint: number; hostname?: string; port?: number }): Server {
    const id = this.id();
    const port = draft.port ?? 27015 + this.servers.size;
    const blueprint = this.blueprints.get(draft.blueprint);
    const server: Server = {
      id,
      instance: `s${id}`,
      name: draft.name,
      owner: { id: this.user.id, name: this.user.name },
      blueprint: { id: draft.blueprint, name: blueprint?.name ?? "?" },
      overlay: null,
      hostname: draft.hostname ?? draft.name,
      ports: { game: port, client: port - 5000, tv: port + 5000 },
      wanted: "stopped",
      state: "stopped",
      since: null,
      pending: [],
      exit: null,
      players: null,
      status: null,
      may: ["view", "operate", "console", "files", "manage"],
      revision: 1,
      created: now(),
      changed: now(),
    };
    this.servers.set(id, server);
    this.tell("server", server);
    return server;
  }

  setServer(id: number, change: Partial<Server>): Server {
    const server = this.servers.get(id);
    if (!server) throw new Error("no such server");
    const next = { ...server, ...change };
    this.servers.set(id, next);
    this.tell("server", next);
    return next;
  }

  say(server: number, text: string, priority = 6): void {
    const line: ServerLine = { time_us: nowUs(), run: "r1", priority, text };
    const lines = this.logs.get(server) ?? [];
    lines.push(line);
    this.logs.set(server, lines);
    this.tell("log", { server, ...line });
  }

  private chatter(): void {
    const words = [
      'L 11/26/2026 - 22:52:26: "Coach<2><BOT><Survivor>" picked up item "first_aid_kit"',
      `L 11/26/2026 - 22:52:27: "${HOSTILE}<3><STEAM_1:0:1><Infected>" say "gg"`,
      "Director: spawning a horde at the usual place; this line is quite a bit longer than the others so that it has to be wrapped somewhere on a phone.",
      "Server is hibernating",
    ];
    for (const server of this.servers.values())
      if (server.state === "running")
        this.say(server.id, words[Math.floor(Math.random() * words.length)] ?? "");
  }

  // ---- jobs -----------------------------------------------------------------------------------

  setJob(id: number, change: Partial<Job>): Job {
    const job = this.jobs.get(id);
    if (!job) throw new Error("no such job");
    const next = { ...job, ...change };
    this.jobs.set(id, next);
    this.tell("job", next);
    return next;
  }

  line(job: number, text: string, stream: JobLine["stream"] = "output"): void {
    const lines = this.jobLines.get(job) ?? [];
    const line: JobLine = { number: lines.length + 1, time_us: nowUs(), stream, text };
    lines.push(line);
    this.jobLines.set(job, lines);
    this.tell("line", { job, ...line });
  }

  job(
    kind: string,
    about: { server?: number; overlay?: number },
    parameters: Record<string, unknown>,
    steps: number,
    end: (job: Job) => Record<string, unknown>,
    begin?: () => void,
  ): Job {
    const id = this.id();
    const job: Job = {
      id,
      kind,
      server: about.server ?? null,
      overlay: about.overlay ?? null,
      asked_by: 1,
      asked_by_name: this.user.name,
      state: "queued",
      progress: null,
      cancelling: false,
      error: null,
      result: {},
      parameters,
      created_us: nowUs(),
      started_us: null,
      ended_us: null,
    };
    this.jobs.set(id, job);
    this.tell("job", job);
    let step = 0;
    const turn = (): void => {
      const current = this.jobs.get(id);
      if (!current) return;
      if (step === 0) {
        this.setJob(id, { state: "running", started_us: nowUs() });
        begin?.();
      }
      if (current.cancelling) {
        this.setJob(id, { state: "cancelled", ended_us: nowUs() });
        return;
      }
      if (step >= steps) {
        try {
          this.setJob(id, { state: "done", progress: null, result: end(job), ended_us: nowUs() });
        } catch (thrown) {
          this.setJob(id, {
            state: "failed",
            error: { kind: "failed", message: (thrown as Error).message },
            ended_us: nowUs(),
          });
        }
        return;
      }
      step++;
      this.line(id, `step ${step} of ${steps}: unpacking left4dead2/addons/${step}.vpk`);
      if (step % 7 === 0) this.line(id, "warning: something odd", "error");
      if (steps > 3) this.setJob(id, { progress: Math.floor((step * 100) / steps) });
      setTimeout(turn, 400).unref();
    };
    setTimeout(turn, 150).unref();
    return job;
  }

  // ---- overlays -------------------------------------------------------------------------------

  addOverlay(
    id: number,
    name: string,
    type: Overlay["type"],
    owner: number | null,
    n = 2,
  ): Overlay {
    const generations = Array.from({ length: n }, (_, i) => ({
      generation: n - i + id * 10,
      build: n - i + id * 10,
      created: { time: "", unix_s: now() - i * 86_400 - 3000 },
      files: 120 + i,
      bytes: (1 << 26) + i * 99_999,
      added: 3,
      changed: 1,
      removed: i,
      bytes_changed: 123_456 * (i + 1),
      note: i === 1 ? "held" : null,
    }));
    const host: HostOverlay = {
      overlay: id,
      name,
      type,
      refresh: type === "workshop" ? "daily" : "never",
      keep: 0,
      output_max_bytes: 0,
      current: generations[0] ?? null,
      n_generations: n,
      disk_bytes: 1 << 27,
    };
    const overlay: Overlay = {
      id,
      name,
      type,
      owner: owner === null ? null : { id: owner, name: owner === 1 ? "alice" : "bob" },
      shared: owner !== 1,
      may_edit: owner === 1,
      may: owner === 1 ? ["view", "operate", "console", "files", "manage"] : ["view"],
      server: null,
      host,
      created: now() - 86_400 * 20,
      changed: now() - 3600,
    };
    this.overlays.set(id, overlay);
    this.shows.set(id, { ...host, generations, servers: [] });
    if (type === "files") this.files.set(id, new Map([["left4dead2", null]]));
    return overlay;
  }

  published(id: number): Record<string, unknown> {
    const show = this.shows.get(id);
    const overlay = this.overlays.get(id);
    if (!show || !overlay) return {};
    const generation = (show.generations[0]?.generation ?? id * 10) + 1;
    const row = {
      generation,
      build: generation,
      created: { time: "", unix_s: now() },
      files: 130,
      bytes: 1 << 26,
      added: 2,
      changed: 3,
      removed: 0,
      bytes_changed: 55_555,
      note: null,
    };
    show.generations.unshift(row);
    show.current = row;
    show.n_generations++;
    const host = { ...show, generations: undefined } as HostOverlay;
    this.overlays.set(id, { ...overlay, host, changed: now() });
    this.tell("overlay", this.overlays.get(id));
    for (const server of this.servers.values())
      if (server.state === "running")
        this.setServer(server.id, { pending: [...new Set([...server.pending, `overlay ${id}`])] });
    return { overlay: id, build: generation, attached: false, changed: true, generation };
  }

  // ---- what there is at first -----------------------------------------------------------------

  private fill(): void {
    this.addOverlay(1, "game", "game", null, 3);
    this.addOverlay(2, "sourcemod", "script", 1);
    this.addOverlay(3, "campaigns", "workshop", 1);
    this.addOverlay(4, "community-files", "files", 1);
    this.addOverlay(5, "league-maps", "script", 2);
    this.texts.set(2, {
      text: '#!/bin/bash\n# SourceMod for all\nset -euo pipefail\nfor x in a b; do\n  echo "$x" >>"$HOME/list"\ndone\n',
      revision: 3,
    });
    this.texts.set(3, {
      text: "# campaigns that everybody likes\nhttps://steamcommunity.com/sharedfiles/filedetails/?id=121088\n1575673903\n",
      revision: 1,
    });
    this.texts.set(5, { text: "echo maps\n", revision: 1 });
    const show = this.shows.get(3);
    if (show)
      show.items = [
        {
          item: 121088,
          published: true,
          published_size: 300_000_000,
          title: `Dead before Dawn ${HOSTILE}`,
          size: 300_000_000,
          updated: { time: "", unix_s: now() - 86_400 * 300 },
          tags: ["Campaigns", "Co-op"],
          preview_url: null,
          error: null,
          files: 900,
          maps: 5,
          map_names: ["c1", "c2"],
          missions: 1,
          mission_names: ["dbd"],
          models: 2,
          scripts: 1,
        },
        {
          item: 1575673903,
          published: false,
          published_size: null,
          title: "Gone campaign",
          size: null,
          updated: null,
          tags: [],
          preview_url: null,
          error: "the Workshop says that it is hidden",
          files: null,
          maps: null,
          map_names: [],
          missions: null,
          mission_names: [],
          models: null,
          scripts: null,
        },
      ];
    const files = this.files.get(4);
    const put = (path: string, words: string | null): void => {
      files?.set(path, words === null ? null : new TextEncoder().encode(words));
    };
    put("left4dead2/cfg", null);
    put("left4dead2/addons", null);
    put("left4dead2/cfg/banned_user.cfg", "banid 0 STEAM_1:0:1\n");
    put("left4dead2/motd.txt", "Welcome!\n<b>No HTML here</b>\n");
    put("left4dead2/addons/my.vpk", "binary\0stuff");
    const blueprint: Blueprint = {
      id: 1,
      name: "Versus",
      owner: { id: 1, name: "alice" },
      arguments: ["+map", "c2m1_highway", "+mp_gamemode", "versus"],
      config: '// Friday\nsv_consistency 1\nexec banned_user.cfg\nsm_cvar mp_gamemode "versus"\n',
      overlays: [
        { id: 2, name: "sourcemod", type: "script", expose_server_cfg: true },
        { id: 3, name: "campaigns", type: "workshop", expose_server_cfg: false },
        { id: 4, name: "community-files", type: "files", expose_server_cfg: false },
      ],
      limits: { memory_bytes: null, cpu_percent: 200, tasks: null },
      shared: false,
      n_servers: 2,
      may: ["view", "operate", "console", "files", "manage"],
      revision: 4,
      created: now() - 86_400 * 9,
      changed: now() - 7200,
    };
    this.blueprints.set(1, blueprint);
    this.blueprints.set(2, {
      ...blueprint,
      id: 2,
      name: "Campaign",
      owner: { id: 2, name: "bob" },
      shared: true,
      n_servers: 1,
      may: ["view"],
      overlays: blueprint.overlays.slice(1, 2),
    });
    this.nextId = 1;
    const friday = this.addServer({
      name: "Friday versus",
      blueprint: 1,
      hostname: "Friday Versus | 100 tick",
    });
    this.addServer({ name: "Test", blueprint: 1 });
    const crashed = this.addServer({ name: HOSTILE.slice(0, 60), blueprint: 2 });
    this.nextId = 100;
    this.setServer(friday.id, {
      state: "running",
      wanted: "running",
      since: now() - 9000,
      pending: ["overlay 2", "overlay 3", "config"],
      players: { n: 3, bots: 1, max: 8, map: "c1m1_hotel" },
      status: {
        name: "s1",
        state: "running",
        enabled: true,
        pid: 1234,
        since: { time: "", unix_s: now() - 9000 },
        run: "r1",
        restarts: 1,
        last_exit: null,
        port: 27015,
        tv_port: 32015,
        client_port: 22015,
        mounted: { config: 3, overlays: [{ overlay: 2, generation: 21 }] },
        applied: null,
        current: [{ overlay: 2, generation: 22 }],
        pending: [],
        pending_error: null,
        memory_bytes: 812_000_000,
        cpu_ns: 1e12,
        tasks: 22,
        limits: { memory_bytes: 4 * 1024 ** 3, cpu_percent: 200, cpus: null, tasks: 512 },
      },
    });
    this.setServer(crashed.id, {
      state: "failed",
      wanted: "running",
      exit: "the game crashed (SIGSEGV) 3 times within 5 minutes and is not started again",
    });
    for (let i = 0; i < 340; i++)
      this.say(friday.id, `line ${i} of the past`, i % 50 === 0 ? 3 : 6);
    for (const [kind, about, end] of [
      ["overlay.build", { overlay: 2 }, null],
      ["server.start", { server: friday.id }, null],
      ["server.start", { server: crashed.id }, "the server ended before it was ready: SIGSEGV"],
      ["game.install", { overlay: 1 }, null],
    ] as const)
      this.job(kind, about, {}, 2, () => {
        if (end) throw new Error(end);
        return {};
      });
  }
}
