// SPDX-License-Identifier: MIT

// call: what is asked of the stand-in, and how it answers.

import type { Job } from "../src/api/types";
import type { World } from "./world";

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

export type Run = (world: World, call: Call) => Result;

export function must<T>(thing: T | undefined, what: string): T {
  if (thing === undefined) throw new Refusal(404, "not-found", `there is no such ${what}`);
  return thing;
}

export const first = (call: Call): number => call.ids[0] ?? 0;
export const asked = (job: Job): Result => ({ status: 202, json: { job } });
export const nothing: Result = { status: 204 };

export function checkMatch(call: Call, revision: number): void {
  if (!call.ifMatch) throw new Refusal(428, "invalid", "say which revision is changed: If-Match");
  if (call.ifMatch !== `"${revision}"`)
    throw new Refusal(412, "busy", "somebody has changed it meanwhile");
}

export function checkName(call: Call): string {
  const name = String(call.body["name"] ?? "");
  if (name === "") throw new Refusal(400, "invalid", "'name' must have 1 to 64 bytes", "name");
  return name;
}
