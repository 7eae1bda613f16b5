// SPDX-License-Identifier: MIT

// files: the tree that an overlay of files is made from.

import { address, create, fetchApi, get, post, remove, request, type Answer } from "./http";
import type { FileList, Job, Upload } from "./types";

const base = (overlay: number): string => `/overlays/${overlay}/files`;

export const list = (overlay: number, path: string, after: string | null): Promise<FileList> =>
  get(base(overlay), { path, after });

export const contentAddress = (overlay: number, path: string): string =>
  address(`${base(overlay)}/content`, { path });
export const zipAddress = (overlay: number, path: string): string =>
  address(`${base(overlay)}/zip`, { path });

export interface FileBytes {
  bytes: ArrayBuffer;
  etag: string | null;
}

export async function read(overlay: number, path: string): Promise<FileBytes> {
  const response = await fetchApi("GET", `${base(overlay)}/content`, { query: { path } });
  return { bytes: await response.arrayBuffer(), etag: response.headers.get("ETag") };
}

/** Replaces the version of that etag; null: makes a new file. */
export const write = (
  overlay: number,
  path: string,
  bytes: Blob,
  etag: string | null,
): Promise<Answer<unknown>> =>
  request("PUT", `${base(overlay)}/content`, {
    query: { path },
    bytes,
    ...(etag === null ? { isNew: true } : { ifMatch: etag }),
  });

export const mkdir = (overlay: number, path: string): Promise<unknown> =>
  post(`${base(overlay)}/mkdir`, { path });
export const move = (overlay: number, from: string, to: string): Promise<unknown> =>
  post(`${base(overlay)}/move`, { from, to });
/** A directory goes with all that is in it. */
export const del = (overlay: number, path: string): Promise<unknown> =>
  remove(base(overlay), { path, all: 1 });

export interface UploadDraft {
  path: string;
  size: number;
  chunk_bytes: number;
  replace?: boolean;
}

export const beginUpload = (overlay: number, draft: UploadDraft): Promise<Upload> =>
  create(`${base(overlay)}/uploads`, draft);
export const readUpload = (overlay: number, id: string): Promise<Upload> =>
  get(`${base(overlay)}/uploads/${id}`);
export const putChunk = (
  overlay: number,
  id: string,
  offset: number,
  bytes: Blob,
  sha256: string,
  signal: AbortSignal,
): Promise<unknown> =>
  request("PUT", `${base(overlay)}/uploads/${id}`, { query: { offset, sha256 }, bytes, signal });
export const finishUpload = (overlay: number, id: string): Promise<unknown> =>
  post(`${base(overlay)}/uploads/${id}/finish`);
export const abortUpload = (overlay: number, id: string): Promise<void> =>
  remove(`${base(overlay)}/uploads/${id}`);
export const extract = async (
  overlay: number,
  upload: string,
  path: string,
  strip: boolean,
): Promise<Job> =>
  (await create<{ job: Job }>(`${base(overlay)}/extract`, { upload, path, strip })).job;
