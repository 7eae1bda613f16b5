// SPDX-License-Identifier: MIT
//
// en: the English catalogue, from which the others take their keys: a file for each page or group
// of pages.

export const locale = "en";
export * from "./account";
export * from "./blueprints";
export * from "./editor";
export * from "./files";
export * from "./game";
export * from "./jobs";
export * from "./login";
export * from "./machine";
export * from "./overlays";
export * from "./server";
export * from "./servers";
export * from "./shell";
export * from "./stack";
export * from "./users";
