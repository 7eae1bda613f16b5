// SPDX-License-Identifier: MIT
//
// types: what the API answers, as docs/openapi.yaml describes it.
//
// Times are seconds since the epoch unless their name ends with _us. What the host says about its
// own (status, stacks, generations) comes as l4d2ctl prints it, and is described in its manual
// pages.

// ---- people -----------------------------------------------------------------------------------

export type Role = "user" | "admin";

export interface User {
  id: number;
  name: string;
  role: Role;
  active: boolean;
  password: boolean;
  totp: boolean;
  created: number;
  login: number | null;
}

export interface Session {
  id: number;
  address: string;
  agent: string;
  created: number;
  seen: number;
  expires: number;
  current: boolean;
}

export type Scope = "read" | "operate" | "manage" | "admin";

export interface Token {
  id: number;
  name: string;
  scope: Scope;
  created: number;
  expires: number | null;
  used: number | null;
}

export interface Invitation {
  id: number;
  name: string | null;
  role: Role;
  user: number | null;
  made_by: number | null;
  created: number;
  expires: number;
}

export interface AuditEvent {
  id: number;
  time_us: number;
  user: number | null;
  user_name: string;
  origin: string;
  action: string;
  subject: string;
  before: unknown;
  after: unknown;
}

/** Somebody, as things that belong to him name him. */
export interface Owner {
  id: number;
  name: string;
}

// ---- jobs -------------------------------------------------------------------------------------

export type JobState = "queued" | "running" | "done" | "failed" | "cancelled";

export interface Job {
  id: number;
  kind: string;
  server: number | null;
  overlay: number | null;
  asked_by: number | null;
  asked_by_name: string;
  state: JobState;
  progress: number | null;
  cancelling: boolean;
  error: { kind: string; message: string } | null;
  result: Record<string, unknown>;
  parameters: Record<string, unknown>;
  created_us: number;
  started_us: number | null;
  ended_us: number | null;
}

export interface JobLine {
  number: number;
  time_us: number;
  stream: "output" | "error" | "note";
  text: string;
}

// ---- servers ----------------------------------------------------------------------------------

export type ServerState =
  | "stopped"
  | "starting"
  | "running"
  | "stopping"
  | "failed"
  | "restarting"
  | "unfinished"
  | "unknown";

export type Grant = "view" | "operate" | "console" | "files" | "manage";

export interface Ports {
  game: number;
  client: number;
  tv: number;
}

export interface HostTime {
  time: string;
  unix_s: number;
}

export interface HostLayers {
  config: number;
  overlays: { overlay: number; generation: number }[];
}

/** `l4d2ctl status --json` */
export interface HostStatus {
  name: string;
  state: string;
  enabled: boolean;
  pid: number | null;
  since: HostTime | null;
  run: string | null;
  restarts: number;
  last_exit: {
    code: number | null;
    signal: number | null;
    signal_name: string | null;
    out_of_memory: boolean;
    result: string;
    explain: string;
    at: HostTime | null;
  } | null;
  port: number;
  tv_port: number;
  client_port: number;
  mounted: HostLayers | null;
  applied: HostLayers | null;
  current: { overlay: number; generation: number | null }[];
  pending: string[];
  pending_error: string | null;
  memory_bytes: number | null;
  cpu_ns: number | null;
  tasks: number | null;
  limits: {
    memory_bytes: number | null;
    cpu_percent: number | null;
    cpus: string | null;
    tasks: number | null;
  };
}

/** Of those who play on a server. */
export interface PlayerCount {
  n: number;
  bots: number;
  max: number;
  map: string;
}

export interface PlayerNow {
  name: string;
  score: number;
  since: number;
}

export type Players = { server: number } & (
  (PlayerCount & { known: true; players: PlayerNow[] | null }) | { known: false }
);

export interface PlayerSession {
  id: number;
  name: string;
  player: string | null;
  score: number;
  joined: number;
  left: number | null;
}

export interface Server {
  id: number;
  instance: string;
  name: string;
  owner: Owner;
  blueprint: { id: number; name: string };
  overlay: number | null;
  hostname: string;
  ports: Ports;
  wanted: "running" | "stopped";
  state: ServerState;
  since: number | null;
  pending: string[];
  exit: string | null;
  players: PlayerCount | null;
  status?: HostStatus | null;
  may: Grant[];
  revision: number;
  created: number;
  changed: number;
}

export interface ServerLine {
  time_us: number;
  run: string | null;
  priority: number;
  text: string;
}

export interface GrantRow {
  user: Owner;
  may: Grant[];
}

/** `l4d2ctl explain --json` */
export interface HostStack {
  name: string;
  seen: string;
  files: number;
  bytes: number;
  stack: StackLayer[];
  findings: Finding[];
  addons: Addon[];
  campaigns: Campaign[];
  conflicts: Conflict[];
  truncated: boolean;
}

export interface LayerRef {
  layer: string;
  overlay: number | null;
  generation: number | null;
}

export type StackLayer = LayerRef;

export interface Finding extends LayerRef {
  severity: string;
  code: string;
  path: string;
  line: number | null;
  message: string;
  remedy: string;
}

export interface Addon extends LayerRef {
  name: string;
  title: string;
  state: "loaded" | "possible" | "off" | "broken";
  maps: number;
  missions: number;
}

export interface Campaign extends LayerRef {
  name: string;
  title: string;
  addon: string | null;
  maps: string[] | number;
  missing_maps: number;
  loaded: boolean;
}

export interface Conflict {
  winner: string;
  loser: string;
  files: number;
  equal_files: number;
  example: string;
  certainty: string;
}

/** `l4d2ctl explain NAME PATH --json` */
export interface PathAnswer {
  name: string;
  path: string;
  seen: string;
  exists: boolean | null;
  game_path: string | null;
  certainty: string;
  layers: (LayerRef & { role: string; entry: string; size: number | null })[];
  sources: (LayerRef & { use: string; kind: string; file: string; size: number | null })[];
}

/** `l4d2ctl drift --json` */
export interface Drift {
  name: string;
  entries: DriftEntry[];
  bytes: number;
  truncated: boolean;
}

export interface DriftEntry {
  path: string;
  change: string;
  entry: string;
  size: number | null;
  size_before: number | null;
}

// ---- blueprints -------------------------------------------------------------------------------

export interface BlueprintOverlay {
  id: number;
  name: string;
  type: OverlayType;
  expose_server_cfg: boolean;
}

export interface Limits {
  memory_bytes: number | null;
  cpu_percent: number | null;
  tasks: number | null;
}

export interface Blueprint {
  id: number;
  name: string;
  owner: Owner;
  arguments: string[];
  config: string;
  overlays: BlueprintOverlay[];
  limits: Limits;
  shared: boolean;
  n_servers: number;
  may: Grant[];
  revision: number;
  created: number;
  changed: number;
}

/** What a POST or PUT of a blueprint carries. */
export interface BlueprintDraft {
  name: string;
  arguments: string[];
  config: string;
  overlays: { id: number; expose_server_cfg: boolean }[];
  limits: Limits;
  shared: boolean;
}

export interface BlueprintPreview {
  /** null: it cannot be made, and the problems say why */
  server_cfg: string | null;
  arguments: string[];
  servers: { id: number; name: string; changes: string[] }[];
  problems: Problem[];
}

export interface Problem {
  field: string;
  /** which argument, line or overlay, from 0 */
  index: number | null;
  message: string;
}

// ---- overlays ---------------------------------------------------------------------------------

export type OverlayType = "game" | "workshop" | "script" | "files";

export interface Generation {
  generation: number;
  build: number | null;
  created: HostTime | null;
  files: number | null;
  bytes: number | null;
  added: number | null;
  changed: number | null;
  removed: number | null;
  bytes_changed: number | null;
  note: string | null;
}

/** A row of `l4d2ctl overlay list --json` */
export interface HostOverlay {
  overlay: number;
  name: string | null;
  type: OverlayType;
  refresh: "daily" | "never";
  keep: number;
  output_max_bytes: number;
  current: Generation | null;
  n_generations: number;
  disk_bytes: number | null;
}

export interface WorkshopItem {
  item: number;
  published: boolean;
  published_size: number | null;
  title: string | null;
  size: number | null;
  updated: HostTime | null;
  tags: string[];
  preview_url: string | null;
  error: string | null;
  files: number | null;
  maps: number | null;
  map_names: string[];
  missions: number | null;
  mission_names: string[];
  models: number | null;
  scripts: number | null;
}

/** `l4d2ctl overlay show --json` */
export interface HostOverlayShow extends HostOverlay {
  generations: Generation[];
  servers: unknown[];
  items?: WorkshopItem[];
}

export interface Overlay {
  id: number;
  name: string;
  type: OverlayType;
  owner: Owner | null;
  shared: boolean;
  may_edit: boolean;
  may: Grant[];
  server: number | null;
  host: HostOverlay | null;
  created: number;
  changed: number;
}

export interface DiffChange {
  path: string;
  change: string;
  directory: boolean;
  size: number | null;
  size_before: number | null;
  compared: boolean;
}

export interface Diff {
  overlay: number;
  from: number;
  to: number;
  changes: DiffChange[];
}

// ---- files ------------------------------------------------------------------------------------

export interface FileEntry {
  name: string;
  kind: "file" | "dir" | "link" | "other";
  size: number;
  changed: number;
  program: boolean;
  etag: string;
}

export interface FileList {
  entries: FileEntry[];
  next: string | null;
  used_bytes: number;
  used_entries: number;
}

export interface Upload {
  upload: string;
  path: string;
  size: number;
  chunk_bytes: number;
  chunks: number;
  /** The chunks that are there, as ranges of their numbers; absent: it has just begun. */
  there?: [number, number][];
}

// ---- the machine ------------------------------------------------------------------------------

export interface Game {
  overlay: Overlay;
  install: Job | null;
  rollout: Job | null;
}

export interface Settings {
  port_from: number;
  port_to: number;
  log_days: number;
  history_days: number;
  audit_days: number;
  user_servers: number;
  user_blueprints: number;
  user_overlays: number;
  repair: "auto" | "off";
  metrics_open: "on" | "off";
}

export interface Check {
  check: string;
  verdict: "ok" | "warn" | "fail";
  found: string;
  remedy: string | null;
}

export interface Machine {
  healthy: boolean;
  checks: Check[];
}
