// SPDX-License-Identifier: MIT

// servers: making them, what is done to them, and what they show of themselves.

import { address, create, etagOf, get, post, put, remove, request } from "./http";
import type {
  Drift,
  Grant,
  GrantRow,
  HostStack,
  Job,
  PathAnswer,
  Players,
  PlayerSession,
  Server,
  ServerLine,
} from "./types";

interface Page {
  servers: Server[];
  next: number | null;
}

export interface ServerDraft {
  name: string;
  blueprint: number;
  hostname?: string;
  port?: number;
}

export const list = (after: number | null): Promise<Page> => get("/servers", { after, limit: 100 });
export const one = (id: number): Promise<Server> => get(`/servers/${id}`);
export const add = (draft: ServerDraft): Promise<Server> => create("/servers", draft);
export const change = async (
  id: number,
  draft: Partial<ServerDraft>,
  revision: number,
): Promise<Server> =>
  (await request<Server>("PATCH", `/servers/${id}`, { json: draft, ifMatch: etagOf(revision) }))
    .data;

export const give = (id: number, owner: number): Promise<unknown> =>
  put(`/servers/${id}/owner`, { owner });

export type Verb = "start" | "stop" | "restart" | "reset" | "kill";

export const act = async (id: number, verb: Verb): Promise<Job> =>
  (await create<{ job: Job }>(`/servers/${id}/${verb}`)).job;
/** Starts it, or starts it again, this once with that generation of an overlay. */
export const tryOut = async (
  id: number,
  verb: "start" | "restart",
  overlay: number,
  generation: number,
): Promise<Job> =>
  (await create<{ job: Job }>(`/servers/${id}/${verb}`, { with: [{ overlay, generation }] })).job;
export const del = async (id: number): Promise<Job> =>
  (await remove<{ job: Job }>(`/servers/${id}`)).job;
export const makeOverlay = async (id: number): Promise<Job> =>
  (await create<{ job: Job }>(`/servers/${id}/overlay`)).job;

export const log = async (id: number, lines: number, all = false): Promise<ServerLine[]> =>
  (await get<{ lines: ServerLine[] }>(`/servers/${id}/log`, { lines, all: all ? 1 : null })).lines;

export const players = (id: number): Promise<Players> => get(`/servers/${id}/players`);
/** The newest of those who were there. */
export const pastPlayers = async (id: number): Promise<PlayerSession[]> =>
  (await get<{ sessions: PlayerSession[] }>(`/servers/${id}/players/history`, { limit: 50 }))
    .sessions;

export const stack = (id: number): Promise<HostStack> => get(`/servers/${id}/stack`);
export const explain = (id: number, path: string): Promise<PathAnswer> =>
  get(`/servers/${id}/explain`, { path });
export const drift = (id: number): Promise<Drift> => get(`/servers/${id}/drift`);

export const upperAddress = (id: number, path: string): string =>
  address(`/servers/${id}/upper/content`, { path });
export const drop = async (id: number, path: string): Promise<Job> =>
  (await remove<{ job: Job }>(`/servers/${id}/upper`, { path })).job;
export const keep = async (id: number, path: string, to?: number): Promise<Job> =>
  (await create<{ job: Job }>(`/servers/${id}/upper/keep`, to ? { path, to } : { path })).job;

export const grants = async (id: number): Promise<GrantRow[]> =>
  (await get<{ grants: GrantRow[] }>(`/servers/${id}/grants`)).grants;
/** Users are named: who manages a server does not see the list of all accounts. */
export interface GrantDraft {
  user: string;
  may: Grant[];
}

export const setGrants = async (id: number, grants: readonly GrantDraft[]): Promise<GrantRow[]> =>
  (await put<{ grants: GrantRow[] }>(`/servers/${id}/grants`, { grants })).grants;

export const secret = async (id: number): Promise<string> =>
  (await get<{ rcon_password: string }>(`/servers/${id}/secret`)).rcon_password;
export const newSecret = async (id: number): Promise<string> =>
  (await post<{ rcon_password: string }>(`/servers/${id}/secret`)).rcon_password;
