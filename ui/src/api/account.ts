// SPDX-License-Identifier: MIT

// account: logging in and out, and what belongs to oneself.

import { create, get, post, put, remove, request } from "./http";
import type { Scope, Session, Token, User } from "./types";

export const setup = (): Promise<{ needed: boolean }> => get("/setup");
export const me = async (): Promise<User> =>
  (await request<User>("GET", "/me", { isLogin: true })).data;

export async function login(name: string, password: string, code?: string): Promise<User> {
  const json = code ? { name, password, code } : { name, password };
  const answer = await request<{ user: User }>("POST", "/session", { json, isLogin: true });
  return answer.data.user;
}

export const logout = (): Promise<void> => remove("/session");

export async function join(
  invitation: string,
  name: string | null,
  password: string,
): Promise<User> {
  const json = name === null ? { invitation, password } : { invitation, name, password };
  const answer = await request<{ user: User }>("POST", "/join", { json, isLogin: true });
  return answer.data.user;
}

export const setPassword = (old_password: string, password: string): Promise<unknown> =>
  put("/me/password", { old_password, password });

export const sessions = async (): Promise<Session[]> =>
  (await get<{ sessions: Session[] }>("/me/sessions")).sessions;
export const endSession = (id: number): Promise<void> => remove(`/me/sessions/${id}`);

export interface TotpStart {
  secret: string;
  uri: string;
}

export const totp = (): Promise<{ enabled: boolean; recovery_codes: number }> => get("/me/totp");
export const totpBegin = (): Promise<TotpStart> => post("/me/totp");
export const totpConfirm = async (code: string, password: string): Promise<string[]> =>
  (await put<{ recovery_codes: string[] }>("/me/totp", { code, password })).recovery_codes;
export const totpEnd = async (password: string): Promise<void> => {
  await request("DELETE", "/me/totp", { json: { password } });
};

export const tokens = async (): Promise<Token[]> =>
  (await get<{ tokens: Token[] }>("/me/tokens")).tokens;
export const addToken = (
  name: string,
  scope: Scope,
  expires: number | null,
): Promise<{ id: number; token: string }> =>
  create("/me/tokens", expires === null ? { name, scope } : { name, scope, expires });
export const removeToken = (id: number): Promise<void> => remove(`/me/tokens/${id}`);
