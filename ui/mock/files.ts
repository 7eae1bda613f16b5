// SPDX-License-Identifier: MIT

// files: trees and what is uploaded into them.

import { type Call, first, must, nothing, Refusal, type Result, type Run } from "./call";
import { now, type World } from "./world";

export function tree(world: World, call: Call): Map<string, Uint8Array | null> {
  return must(world.files.get(first(call)), "tree");
}

export const pathOf = (call: Call): string => call.query.get("path") ?? "";
export const etagOf = (bytes: Uint8Array | null): string => `"f${bytes?.length ?? 0}"`;

export const listFiles: Run = (world, call) => {
  const path = pathOf(call);
  const prefix = path ? path + "/" : "";
  const entries = [...tree(world, call)]
    .filter(([name]) => name.startsWith(prefix) && !name.slice(prefix.length).includes("/"))
    .map(([name, bytes]) => ({
      name: name.slice(prefix.length),
      kind: bytes === null ? "dir" : "file",
      size: bytes?.length ?? 0,
      changed: now() - 4000,
      program: false,
      etag: etagOf(bytes),
    }))
    .filter((entry) => entry.name !== "")
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    json: { overlay: first(call), entries, next: null, used_bytes: 12_345, used_entries: 7 },
  };
};

export function makeParents(files: Map<string, Uint8Array | null>, path: string): void {
  const words = path.split("/");
  for (let i = 1; i < words.length; i++) {
    const above = words.slice(0, i).join("/");
    if (!files.has(above)) files.set(above, null);
  }
}

export const writeFile: Run = (world, call) => {
  const files = tree(world, call);
  const old = files.get(pathOf(call));
  if (call.ifMatch && old && call.ifMatch !== etagOf(old))
    throw new Refusal(412, "exists", "somebody has changed the file meanwhile");
  makeParents(files, pathOf(call));
  files.set(pathOf(call), call.bytes);
  return { json: {}, etag: etagOf(call.bytes) };
};

export const move: Run = (world, call) => {
  const files = tree(world, call);
  const from = String(call.body["from"]);
  const to = String(call.body["to"]);
  if (files.has(to))
    throw new Refusal(409, "exists", `there is something at '${to}' already`, "to");
  for (const [path, bytes] of [...files])
    if (path === from || path.startsWith(from + "/")) {
      files.delete(path);
      files.set(to + path.slice(from.length), bytes);
    }
  makeParents(files, to);
  return { json: {} };
};

export const deleteFile: Run = (world, call) => {
  const files = tree(world, call);
  for (const path of [...files.keys()])
    if (path === pathOf(call) || path.startsWith(pathOf(call) + "/")) files.delete(path);
  return nothing;
};

export function uploadJson(world: World, id: string): Result {
  const upload = must(world.uploads.get(id), "upload");
  const { path, size, chunk, parts } = upload;
  return {
    json: {
      upload: id,
      path,
      size,
      chunk_bytes: chunk,
      chunks: Math.ceil(size / chunk),
      there: [...parts.keys()].map((n) => [n, n]),
    },
  };
}

export const beginUpload: Run = (world, call) => {
  const id = `u${world.id()}`;
  const path = String(call.body["path"]);
  if (tree(world, call).has(path) && !call.body["replace"])
    throw new Refusal(409, "exists", `there is something at '${path}' already`, "path");
  world.uploads.set(id, {
    overlay: first(call),
    path,
    size: Number(call.body["size"]),
    chunk: Number(call.body["chunk_bytes"]),
    parts: new Map(),
  });
  return { ...uploadJson(world, id), status: 201 };
};

export const finishUpload: Run = (world, call) => {
  const upload = must(world.uploads.get(call.words?.[1] ?? ""), "upload");
  const bytes = Buffer.concat(
    [...upload.parts].sort((a, b) => a[0] - b[0]).map(([, part]) => part),
  );
  makeParents(tree(world, call), upload.path);
  tree(world, call).set(upload.path, bytes);
  return { json: {} };
};
