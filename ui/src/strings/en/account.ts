// SPDX-License-Identifier: MIT
//
// account: a user's own account: password, sessions, second factor, tokens.

import { plural } from "./plural";

export const account = {
  password: "Password",
  passwordHint: "A new one ends all other sessions.",
  oldPassword: "Old password",
  newPassword: "New password",
  setPassword: "Set it",
  passwordSet: "The password is set. All other sessions have ended.",
  sessions: "Sessions",
  browser: "Browser",
  browserOn: (browser: string, system: string) => `${browser} on ${system}`,
  address: "Address",
  seen: "Seen",
  begun: "Begun",
  thisOne: "this one",
  endSession: "End",
  sessionEnded: "The session has ended.",
  endOthers: "End all others",
  othersEnded: "All other sessions have ended.",
  language: "Language",
} as const;

export const totp = {
  section: "Second factor",
  isOn: "On: a code is asked for when you log in.",
  isOff: "Off. With it, who knows your password still cannot log in.",
  left: (n: number) => `${plural(n, "recovery code is", "recovery codes are")} left.`,
  begin: "Set it up",
  title: "Set up the second factor",
  intro: "Let an authenticator read the picture, or type the secret there. Then type the code that it shows.",
  picture: "The secret, for the camera of a telephone",
  secret: "Secret",
  open: "Open it in an authenticator on this device",
  codeHint: "Six digits",
  confirm: "Switch it on",
  codesTitle: "Your recovery codes",
  codesText:
    "Each opens your account once when you do not have the authenticator. They are shown only now: keep them somewhere else.",
  codesDone: "I have kept them",
  end: "Switch it off",
  endTitle: "Switch the second factor off?",
  ended: "The second factor is off.",
} as const;

export const tokens = {
  title: "API tokens",
  hint: "For scripts: each may do what its scope says, as you.",
  none: "None yet.",
  new: "New token",
  nameHint: "What it is for.",
  scope: "Scope",
  scopes: { read: "read", operate: "operate", manage: "manage", admin: "admin" },
  scopeHints: {
    read: "Looks, and changes nothing.",
    operate: "Starts and stops servers as well.",
    manage: "Changes servers, blueprints and overlays as well.",
    admin: "Everything, also accounts and the machine.",
  },
  life: "Good for",
  days: (n: number) => plural(n, "day", "days"),
  forEver: "ever",
  used: "Used",
  remove: "Remove",
  removeOf: (name: string) => `Remove ${name}`,
  removed: "The token is removed.",
  madeTitle: "The token",
  madeText: "It is shown only now.",
  token: "Token",
} as const;
