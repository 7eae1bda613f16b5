// SPDX-License-Identifier: MIT
//
// shell: what is the same on every page: buttons, times, errors, the navigation.

export const common = {
  add: "Add",
  cancel: "Cancel",
  close: "Close",
  copied: "Copied",
  copy: "Copy",
  create: "Create",
  delete: "Delete",
  dismiss: "Dismiss",
  download: "Download",
  edit: "Edit",
  loading: "Loading…",
  more: "More actions",
  name: "Name",
  none: "none",
  actions: "Actions",
  optional: "(optional)",
  owner: "Owner",
  refresh: "Refresh",
  remove: "Remove",
  save: "Save",
  saved: "Saved.",
  shared: "shared",
  size: "Size",
  state: "State",
  tryAgain: "Try again",
  olderOnes: "Show older ones",
  showMore: (n: number, all: number) =>
    `Show more (${n.toLocaleString("en")} of ${all.toLocaleString("en")})`,
  created: "Created",
  expires: "Expires",
  unsaved: "Unsaved changes",
  discard: "Discard",
  typeToConfirm: (word: string) => `Type “${word}” to confirm`,
  copyOf: (name: string) => `${name} (copy)`,
} as const;

export const time = {
  justNow: "just now",
  underASecond: "under 1 s",
  seconds: (s: number) => `${s} s`,
  minutes: (m: number, s: number) => `${m} min ${s} s`,
  hours: (h: number, m: number) => `${h} h ${m} min`,
} as const;

export const errors = {
  unreachable: "The machine does not answer. Is it running, and are you online?",
  status: (status: number) => `The machine answered with an error (${status}) and no reason.`,
  notFoundTitle: "There is nothing here",
  notFound: "The address is wrong, or what was here is gone, or it is not yours to see.",
  toServers: "To the servers",
  crash: "This page has stopped because of a mistake in it.",
  reload: "Load it again",
} as const;

export const nav = {
  label: "Pages",
  skip: "Skip to the page",
  menu: "Menu",
  servers: "Servers",
  blueprints: "Blueprints",
  overlays: "Overlays",
  jobs: "Jobs",
  game: "Game",
  users: "Users",
  machine: "Machine",
  account: "Account",
  logout: "Log out",
  theme: "Theme",
  themeSystem: "System theme",
  themeLight: "Light theme",
  themeDark: "Dark theme",
  live: "Live",
  liveHint: "This page shows changes as they happen.",
  connecting: "Connecting…",
  offline: "Not connected: what is shown may be old. It tries again by itself.",
} as const;
