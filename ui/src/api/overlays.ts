// SPDX-License-Identifier: MIT

// overlays: what is laid over the game.

import { create, get, put, remove, request, type Answer } from "./http";
import type { Diff, HostOverlayShow, HostStack, Job, JobLine, Overlay, OverlayType } from "./types";

interface Page {
  overlays: Overlay[];
  next: number | null;
}

export interface OverlayDraft {
  name: string;
  type: OverlayType;
  refresh?: "daily" | "never";
  keep?: number;
  output_max?: number;
  text?: string;
}

export interface OverlayChange {
  name?: string;
  refresh?: "daily" | "never";
  keep?: number;
  output_max?: number;
  shared?: boolean;
}

type WithJob = { job: Job };

export const list = (after: number | null): Promise<Page> =>
  get("/overlays", { after, limit: 100 });
export const one = (id: number): Promise<Overlay> => get(`/overlays/${id}`);
export const add = async (draft: OverlayDraft): Promise<Job> =>
  (await create<WithJob>("/overlays", draft)).job;
/** What only the page knows changes at once, and is no job. */
export const change = async (id: number, change: OverlayChange): Promise<Job | null> =>
  (await request<Partial<WithJob>>("PATCH", `/overlays/${id}`, { json: change })).data.job ?? null;
export const give = (id: number, owner: number): Promise<unknown> =>
  put(`/overlays/${id}/owner`, { owner });
/** What is inside its current generation, and what is wrong in it. */
export const explain = (id: number): Promise<HostStack> => get(`/overlays/${id}/explain`);
export const del = async (id: number): Promise<Job> =>
  (await remove<WithJob>(`/overlays/${id}`)).job;

export const readText = (id: number): Promise<Answer<{ text: string }>> =>
  request("GET", `/overlays/${id}/text`);
export const writeText = (id: number, text: string, etag: string): Promise<Answer<unknown>> =>
  request("PUT", `/overlays/${id}/text`, {
    json: { text },
    // An overlay that has no text yet has no etag either.
    ...(etag === "" ? { isNew: true } : { ifMatch: etag }),
  });

export const build = async (id: number, hold: boolean): Promise<Job> =>
  (await create<WithJob>(`/overlays/${id}/build`, { hold })).job;
export const wipe = async (id: number): Promise<Job> =>
  (await create<WithJob>(`/overlays/${id}/wipe`)).job;
export const rollback = async (id: number): Promise<Job> =>
  (await create<WithJob>(`/overlays/${id}/rollback`)).job;
export const select = async (id: number, generation: number): Promise<Job> =>
  (await create<WithJob>(`/overlays/${id}/select`, { generation })).job;

export const show = (id: number): Promise<HostOverlayShow> => get(`/overlays/${id}/generations`);
export const diff = (id: number, from: number, to: number): Promise<Diff> =>
  get(`/overlays/${id}/diff`, { from, to });
export const log = async (id: number): Promise<JobLine[]> =>
  (await get<{ lines: JobLine[] }>(`/overlays/${id}/log`)).lines;
