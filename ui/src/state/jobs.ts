// SPDX-License-Identifier: MIT
//
// jobs: what the machine is doing and has done lately. An action of the page is a job; finished()
// is how the page waits for its end.

import { computed, signal, type ReadonlySignal } from "@preact/signals";
import * as api from "../api";
import { ApiError, asApiError } from "../api";
import type { Job } from "../api/types";
import { on, onLost, streamState, want } from "../events/stream";
import { text } from "../strings";

const RECENT = 50;
const POLL_MS = 5_000; // while there is no stream

const known = signal<ReadonlyMap<number, Job>>(new Map());
const waiters = new Map<number, Set<(job: Job) => void>>();
export const jobsError = signal<ApiError | null>(null);
export const isJobsReady = signal(false);
let isWanted = false;

/** All that are known, the newest first. */
export const jobs: ReadonlySignal<readonly Job[]> = computed(() =>
  [...known.value.values()].sort((a, b) => b.id - a.id),
);

export const isOpen = (job: Job): boolean => job.state === "queued" || job.state === "running";

/** Those that are under way, the oldest first. */
export const openJobs: ReadonlySignal<readonly Job[]> = computed(() =>
  jobs.value.filter(isOpen).reverse(),
);

export function find(id: number): Job | undefined {
  return known.value.get(id);
}

export function put(...changed: readonly Job[]): void {
  const next = new Map(known.value);
  for (const job of changed) {
    const before = next.get(job.id);
    if (before && !isOpen(before) && isOpen(job)) continue; // the answer came after the event
    next.set(job.id, job);
  }
  known.value = next;
  for (const job of changed) if (!isOpen(job)) settle(job);
}

function settle(job: Job): void {
  for (const resolve of waiters.get(job.id) ?? []) resolve(job);
  waiters.delete(job.id);
}

async function reload(): Promise<void> {
  try {
    const page = await api.jobs.list({}, null, RECENT);
    put(...page.jobs);
    isJobsReady.value = true;
    jobsError.value = null;
    await Promise.all([...waiters.keys()].map(look));
  } catch (thrown) {
    jobsError.value = asApiError(thrown);
  }
}

async function look(id: number): Promise<void> {
  put(await api.jobs.one(id));
}

export function ensure(): void {
  if (isWanted) return;
  isWanted = true;
  want("jobs");
  on("job", (data) => {
    const job = data as Job & { deleted?: boolean };
    if (!job.deleted) put(job);
    else known.value = new Map([...known.value].filter(([id]) => id !== job.id));
  });
  onLost(() => void reload());
  void reload();
  window.setInterval(() => {
    if (waiters.size === 0 || streamState.value === "open") return;
    for (const id of waiters.keys()) look(id).catch(() => {}); // the next turn tries again
  }, POLL_MS);
}

/** A job that did not end well, with the sentence that it failed with. */
function failure(job: Job): ApiError {
  if (job.state === "cancelled")
    return new ApiError("failed", text.jobs.wasCancelled, 0, null, job.id);
  return new ApiError(
    job.error?.kind ?? "failed",
    job.error?.message ?? text.jobs.failedSilently,
    0,
    null,
    job.id,
  );
}

/** Waits for the end of a job. Throws an ApiError that names the job if it is not a good one. */
export async function finished(asked: Job): Promise<Job> {
  ensure();
  put(asked);
  let job = find(asked.id) ?? asked;
  if (isOpen(job))
    job = await new Promise<Job>((resolve) => {
      const set = waiters.get(asked.id) ?? new Set();
      set.add(resolve);
      waiters.set(asked.id, set);
    });
  if (job.state !== "done") throw failure(job);
  return job;
}
