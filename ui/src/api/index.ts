// SPDX-License-Identifier: MIT
//
// api: every operation that the page uses, by the thing it is about.

export * as account from "./account";
export * as admin from "./admin";
export * as blueprints from "./blueprints";
export * as files from "./files";
export * as jobs from "./jobs";
export * as overlays from "./overlays";
export * as servers from "./servers";
export { ApiError, asApiError } from "./error";
