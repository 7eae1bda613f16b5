// SPDX-License-Identifier: MIT

// blueprints: recipes of servers.

import { create, etagOf, get, post, put, remove, request } from "./http";
import type { Blueprint, BlueprintDraft, BlueprintPreview } from "./types";

interface Page {
  blueprints: Blueprint[];
  next: number | null;
}

export const list = (after: number | null): Promise<Page> =>
  get("/blueprints", { after, limit: 100 });
export const one = (id: number): Promise<Blueprint> => get(`/blueprints/${id}`);
export const add = (draft: BlueprintDraft): Promise<Blueprint> => create("/blueprints", draft);

/** Replaces that revision, and no other. */
export const change = async (
  id: number,
  draft: BlueprintDraft,
  revision: number,
): Promise<Blueprint> =>
  (
    await request<Blueprint>("PUT", `/blueprints/${id}`, {
      json: draft,
      ifMatch: etagOf(revision),
    })
  ).data;

export const del = (id: number): Promise<void> => remove(`/blueprints/${id}`);
export const copy = (id: number, name: string): Promise<Blueprint> =>
  create(`/blueprints/${id}/copy`, { name });
export const give = (id: number, owner: number): Promise<unknown> =>
  put(`/blueprints/${id}/owner`, { owner });
export const preview = (id: number, draft: BlueprintDraft): Promise<BlueprintPreview> =>
  post(`/blueprints/${id}/preview`, draft);
