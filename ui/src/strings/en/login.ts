// SPDX-License-Identifier: MIT
//
// login: the ways in: logging in, the first account, a link to set a password.

export const login = {
  title: "Log in",
  name: "Name",
  password: "Password",
  code: "Code",
  codeHint: "The six digits that your authenticator shows, or one of your recovery codes.",
  submit: "Log in",
  back: "Use another account",
  forgot: "Lost your password? An admin can make a link to set a new one.",
  expiredTitle: "Log in again",
  expired:
    "Your session has ended. What you were doing is still here and goes on when you are back.",
  leave: "Leave this page",
} as const;

export const setup = {
  title: "Welcome to left4me",
  intro: "There is no account yet. On the machine, as root, make the first one:",
  then: "It prints a link that works once. Open it to choose a password.",
  again: "I have done that",
  command: "left4me user add NAME --admin",
} as const;

export const join = {
  title: "Set your password",
  intro: "This link works once. Choose how you will log in.",
  name: "Name",
  nameHint: "How others see you here. Leave it empty if the link was made for a name.",
  password: "Password",
  passwordHint: (min: number) =>
    `At least ${min} characters. A few words are better than odd signs.`,
  repeat: "Password again",
  mismatch: "The two passwords are not the same.",
  submit: "Set the password and log in",
  noWord: "The link is not complete: copy all of it, also what comes after #.",
} as const;
