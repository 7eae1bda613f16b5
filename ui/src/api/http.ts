// SPDX-License-Identifier: MIT
//
// http: one request of the API. All of them pass here: what an error is, what happens when the
// session has ended, and how texts become addresses is decided in this file alone.

import { text } from "../strings";
import { ApiError, errorOf } from "./error";

export const PREFIX = "/api/v1";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Options {
  query?: Query;
  /** sent as JSON */
  json?: unknown;
  /** sent as it is */
  bytes?: Blob | ArrayBuffer;
  ifMatch?: string;
  /** it must not exist yet */
  isNew?: boolean;
  /** of a POST that makes something: it may be sent twice and makes one thing */
  key?: string;
  signal?: AbortSignal;
  /** 401 is an answer like any other, as that to a wrong password */
  isLogin?: boolean;
}

export interface Answer<T> {
  status: number;
  data: T;
  etag: string | null;
}

/** Asks for a new session, and ends when there is one. Whoever waited then asks again. */
let renew: (() => Promise<void>) | null = null;

export function onSessionEnd(ask: () => Promise<void>): void {
  renew = ask;
}

export function address(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== undefined) parameters.set(name, String(value));
  const words = parameters.toString();
  return PREFIX + path + (words ? "?" + words : "");
}

function headersOf(options: Options): Headers {
  const headers = new Headers({ Accept: "application/json" });
  if (options.json !== undefined) headers.set("Content-Type", "application/json");
  else if (options.bytes) headers.set("Content-Type", "application/octet-stream");
  if (options.ifMatch) headers.set("If-Match", options.ifMatch);
  if (options.isNew) headers.set("If-None-Match", "*");
  if (options.key) headers.set("Idempotency-Key", options.key);
  return headers;
}

async function send(method: Method, path: string, options: Options): Promise<Response> {
  try {
    return await fetch(address(path, options.query), {
      method,
      headers: headersOf(options),
      body: options.json !== undefined ? JSON.stringify(options.json) : (options.bytes ?? null),
      signal: options.signal ?? null,
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (thrown) {
    if (options.signal?.aborted) throw thrown;
    throw new ApiError("unavailable", text.errors.unreachable, 0);
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  const words = await response.text();
  if (!words) return undefined;
  try {
    return JSON.parse(words) as unknown;
  } catch {
    return undefined;
  }
}

/** Sends it, and once more with a new session if that had ended. */
export async function fetchApi(
  method: Method,
  path: string,
  options: Options = {},
): Promise<Response> {
  let response = await send(method, path, options);
  if (response.status === 401 && !options.isLogin && renew) {
    await renew();
    response = await send(method, path, options);
  }
  if (!response.ok)
    throw errorOf(response.status, await bodyOf(response), text.errors.status(response.status));
  return response;
}

export async function request<T>(
  method: Method,
  path: string,
  options: Options = {},
): Promise<Answer<T>> {
  const response = await fetchApi(method, path, options);
  const data = (await bodyOf(response)) as T;
  return { status: response.status, data, etag: response.headers.get("ETag") };
}

export const get = async <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  (await request<T>("GET", path, { query: query ?? {}, ...(signal ? { signal } : {}) })).data;

export const post = async <T>(path: string, json?: unknown): Promise<T> =>
  (await request<T>("POST", path, json === undefined ? {} : { json })).data;

/** A POST that makes something, or has something done. */
export const create = async <T>(path: string, json?: unknown, key = newKey()): Promise<T> =>
  (await request<T>("POST", path, json === undefined ? { key } : { json, key })).data;

export const put = async <T>(path: string, json: unknown): Promise<T> =>
  (await request<T>("PUT", path, { json })).data;

export const remove = async <T>(path: string, query?: Query): Promise<T> =>
  (await request<T>("DELETE", path, { query: query ?? {} })).data;

/** crypto.randomUUID() is there on a page of https only. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const etagOf = (revision: number): string => `"${revision}"`;
