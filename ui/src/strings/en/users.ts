// SPDX-License-Identifier: MIT
//
// users: accounts and invitations, as an admin sees them, and who has changed what.

export const users = {
  title: "Users",
  accounts: "Accounts",
  role: "Role",
  roles: { user: "user", admin: "admin" },
  roleHints: {
    user: "Has servers, blueprints and overlays of his own.",
    admin: "May everything, also with what belongs to others.",
  },
  inactive: "deactivated",
  noPassword: "no password yet",
  totp: "Second factor",
  totpOn: "on",
  totpOff: "off",
  login: "Last login",
  never: "never",
  you: "you",
  invite: "Invite somebody",
  makeLink: "Make a link",
  inviteNameHint: "Empty: who comes chooses it.",
  linkTitle: "The link",
  linkText: "It works once, for three days, and is shown only now. Give it to the person.",
  link: "Link",
  newPassword: "Link for a new password",
  makeAdmin: "Make an admin",
  makeUser: "Make a plain user",
  deactivate: "Deactivate",
  activate: "Activate",
  actionsOf: (name: string) => `Actions for ${name}`,
  changed: (name: string) => `${name} is changed.`,
  deleteTitle: (name: string) => `Delete ${name}?`,
  deleteText:
    "The account goes. Servers, blueprints and overlays of it must belong to somebody else before.",
  stillHas: "These do not yet. Each can be given away in its settings.",
  deleted: (name: string) => `${name} is deleted.`,
  invitations: "Open invitations",
  invitationsHint: "Links that nobody has used yet.",
  noInvitations: "None.",
  invitedFor: "For",
  anybody: "anybody",
  passwordOf: (name: string) => `a new password of ${name}`,
  theShell: "the command line",
  withdraw: "Withdraw",
  withdrawn: "The invitation is withdrawn.",
} as const;

export const owner = {
  hint: "Admins can give it to somebody else.",
  ask: "Give it to somebody else",
  giveTitle: (name: string) => `Give ${name} to somebody else`,
  to: "New owner",
  give: "Give",
  stays: {
    server: "Its own files go with it. Its blueprint stays whose it is.",
    blueprint: "Its servers and overlays stay whose they are.",
    overlay: "It stays in the blueprints that have it.",
  },
  nobodyElse: "There is nobody else who can log in.",
  given: (name: string, to: string) => `${name} belongs to ${to} now.`,
} as const;

export const audit = {
  title: "Changes",
  hint: "Who has changed what, from where. Nothing in it can be changed.",
  empty: "Nothing was changed yet",
  action: "Action",
  who: "Who",
  from: "From",
  when: "When",
  details: "Details",
  before: "Before",
  after: "After",
} as const;
