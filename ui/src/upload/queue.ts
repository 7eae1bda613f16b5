// SPDX-License-Identifier: MIT
//
// queue: files on their way to an overlay. Several go at once, each in chunks; a chunk that did not
// arrive is sent again, and a file that was broken off goes on where it was when it is chosen
// again.

import { signal } from "@preact/signals";
import * as api from "../api";
import { ApiError, asApiError } from "../api";
import type { Upload } from "../api/types";
import { CHUNK_BYTES, missingChunks, numbersIn, resumeKey, retryDelayMs, type Chunk } from "./plan";
import { sha256Of } from "./sha256";

const FILES_AT_ONCE = 3;
const TRIES = 6;

export type ItemState = "waiting" | "sending" | "done" | "failed" | "cancelled";

export interface Item {
  id: number;
  overlay: number;
  path: string;
  file: File;
  state: ItemState;
  sent: number;
  error: ApiError | null;
  replaces: boolean;
  /** the upload is wanted itself, as an archive to be unpacked; it is not put in place */
  onThere: ((upload: string) => Promise<void>) | null;
}

export const items = signal<readonly Item[]>([]);
const aborts = new Map<number, AbortController>();
let nextId = 1;

function change(id: number, by: Partial<Item>): void {
  items.value = items.value.map((item) => (item.id === id ? { ...item, ...by } : item));
}

export interface Wanted {
  path: string;
  file: File;
}

export function enqueue(
  overlay: number,
  wanted: readonly Wanted[],
  replaces: boolean,
  onThere: Item["onThere"] = null,
): void {
  const added = wanted.map(({ path, file }): Item => ({
    id: nextId++,
    overlay,
    path,
    file,
    state: "waiting",
    sent: 0,
    error: null,
    replaces,
    onThere,
  }));
  items.value = [...items.value, ...added];
  pump();
}

export function cancel(id: number): void {
  aborts.get(id)?.abort();
  change(id, { state: "cancelled" });
  pump();
}

export function retry(id: number, replaces: boolean): void {
  change(id, { state: "waiting", error: null, replaces });
  pump();
}

export function clearEnded(overlay: number): void {
  items.value = items.value.filter(
    (item) => item.overlay !== overlay || item.state === "waiting" || item.state === "sending",
  );
}

/** Called when files of that overlay have arrived. */
type Arrived = (overlay: number) => void;
const arrived = new Set<Arrived>();

export function onArrived(call: Arrived): () => void {
  arrived.add(call);
  return () => arrived.delete(call);
}

function pump(): void {
  let n = items.value.filter((item) => item.state === "sending").length;
  for (const item of items.value) {
    if (n >= FILES_AT_ONCE) return;
    if (item.state !== "waiting") continue;
    change(item.id, { state: "sending" });
    n++;
    void run(item);
  }
}

async function run(item: Item): Promise<void> {
  const abort = new AbortController();
  aborts.set(item.id, abort);
  try {
    await send(item, abort.signal);
    change(item.id, { state: "done", sent: item.file.size });
    for (const call of arrived) call(item.overlay);
  } catch (thrown) {
    if (!abort.signal.aborted) change(item.id, { state: "failed", error: asApiError(thrown) });
  } finally {
    aborts.delete(item.id);
    pump();
  }
}

async function send(item: Item, signal: AbortSignal): Promise<void> {
  const key = resumeKey(item.overlay, item.path, item.file);
  const upload = await open(item, key);
  const there = numbersIn(upload.there ?? []);
  const chunks = missingChunks(item.file.size, upload.chunk_bytes, there);
  let sent = item.file.size - chunks.reduce((sum, chunk) => sum + chunk.size, 0);
  change(item.id, { sent });
  for (const chunk of chunks) {
    await sendChunk(item, upload.upload, chunk, signal);
    sent += chunk.size;
    change(item.id, { sent });
  }
  if (item.onThere) await item.onThere(upload.upload);
  else await api.files.finishUpload(item.overlay, upload.upload);
  forget(key);
}

/** The upload of the same file that broke off, or a new one. */
async function open(item: Item, key: string): Promise<Upload> {
  const known = recall(key);
  if (known) {
    try {
      return await api.files.readUpload(item.overlay, known);
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || thrown.status !== 404) throw thrown;
      forget(key);
    }
  }
  const upload = await api.files.beginUpload(item.overlay, {
    path: item.onThere ? "" : item.path,
    size: item.file.size,
    chunk_bytes: CHUNK_BYTES,
    ...(item.replaces ? { replace: true } : {}),
  });
  remember(key, upload.upload);
  return upload;
}

function mayPass(thrown: unknown): boolean {
  return (
    thrown instanceof ApiError &&
    (thrown.status === 0 || thrown.status === 429 || thrown.status >= 500)
  );
}

async function sendChunk(
  item: Item,
  upload: string,
  chunk: Chunk,
  signal: AbortSignal,
): Promise<void> {
  const bytes = item.file.slice(chunk.offset, chunk.offset + chunk.size);
  const hash = await sha256Of(bytes);
  for (let n = 0; ; n++) {
    try {
      await api.files.putChunk(item.overlay, upload, chunk.offset, bytes, hash, signal);
      return;
    } catch (thrown) {
      if (signal.aborted || n + 1 >= TRIES || !mayPass(thrown)) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, retryDelayMs(n)));
    }
  }
}

// ---- what is remembered between two visits ------------------------------------------------------

function remember(key: string, upload: string): void {
  try {
    localStorage.setItem(key, upload);
  } catch {
    // Without a place for it, it begins anew.
  }
}

function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function forget(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // nothing was remembered
  }
}
