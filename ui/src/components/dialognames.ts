// SPDX-License-Identifier: MIT

// dialognames: every question that the page may ask over itself. test/browser opens each of them.

export const dialogNames = [
  "conflict",
  "leave",
  "give",
  "log-in-again",
  "server-new",
  "server-kill",
  "server-reset",
  "server-delete",
  "server-access",
  "server-secret",
  "upper-view",
  "upper-keep",
  "upper-drop",
  "blueprint-new",
  "blueprint-copy",
  "blueprint-delete",
  "overlay-new",
  "overlay-wipe",
  "overlay-delete",
  "overlay-try",
  "file-mkdir",
  "file-new",
  "file-move",
  "file-delete",
  "file-archive",
  "user-invite",
  "user-link",
  "user-delete",
  "totp-begin",
  "totp-codes",
  "totp-end",
  "token-new",
  "token-made",
] as const;

export type DialogName = (typeof dialogNames)[number];
