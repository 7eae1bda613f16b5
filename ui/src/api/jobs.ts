// SPDX-License-Identifier: MIT

// jobs: what the machine has been asked to do.

import { get, post } from "./http";
import type { Job, JobLine } from "./types";

export interface JobPage {
  jobs: Job[];
  next: number | null;
}

export interface JobFilter {
  server?: number;
  overlay?: number;
}

export const list = (filter: JobFilter, before: number | null, limit = 50): Promise<JobPage> =>
  get("/jobs", { ...filter, before, limit });
export const one = (id: number): Promise<Job> => get(`/jobs/${id}`);

export interface LinePage {
  lines: JobLine[];
  next: number | null;
}

export const log = (id: number, after: number, limit = 1000): Promise<LinePage> =>
  get(`/jobs/${id}/log`, { after: after || null, limit });
export const cancel = (id: number): Promise<unknown> => post(`/jobs/${id}/cancel`);
