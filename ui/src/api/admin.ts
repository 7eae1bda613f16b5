// SPDX-License-Identifier: MIT

// admin: accounts of others, invitations, the log of changes, the game, the machine and its
// settings.

import { create, get, post, remove, request } from "./http";
import type { AuditEvent, Game, Invitation, Job, Machine, Role, Settings, User } from "./types";

export const users = async (): Promise<User[]> => (await get<{ users: User[] }>("/users")).users;
export const changeUser = async (
  id: number,
  change: { role?: Role; active?: boolean },
): Promise<User> => (await request<User>("PATCH", `/users/${id}`, { json: change })).data;
export const removeUser = (id: number): Promise<void> => remove(`/users/${id}`);

export interface Word {
  id: number;
  /** shown this once */
  invitation: string;
}

export const inviteUser = (id: number): Promise<Word> => post(`/users/${id}/invitation`);
export const invitations = async (): Promise<Invitation[]> =>
  (await get<{ invitations: Invitation[] }>("/invitations")).invitations;
export const invite = (role: Role, name: string): Promise<Word> =>
  create("/invitations", name ? { role, name } : { role });
export const removeInvitation = (id: number): Promise<void> => remove(`/invitations/${id}`);

export interface AuditPage {
  events: AuditEvent[];
  before: number | null;
}

export const audit = (before?: number): Promise<AuditPage> =>
  get("/audit", { limit: 50, before: before ?? null });

export type Policy = "force" | "skip" | "wait";

export const game = (): Promise<Game> => get("/game");
export const install = async (hold: boolean): Promise<Job> =>
  (await create<{ job: Job }>("/game/install", { hold })).job;
export const rollout = async (policy: Policy): Promise<Job> =>
  (await create<{ job: Job }>("/game/rollout", { policy })).job;

export const settings = (): Promise<Settings> => get("/settings");
export const changeSettings = async (change: Partial<Settings>): Promise<Settings> =>
  (await request<Settings>("PATCH", "/settings", { json: change })).data;

export const machine = (): Promise<Machine> => get("/machine");
