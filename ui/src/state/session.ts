// SPDX-License-Identifier: MIT
//
// session: who is logged in. A session that ends while somebody works is begun anew over the page
// that he works on: the requests that found it ended wait, and go on when it is there again.

import { signal } from "@preact/signals";
import { account, ApiError } from "../api";
import { onSessionEnd } from "../api/http";
import type { User } from "../api/types";
import * as stream from "../events/stream";

/** undefined: not known yet; null: nobody */
export const user = signal<User | null | undefined>(undefined);
/** why it is not known */
export const sessionError = signal<ApiError | null>(null);
/** he has to log in again to go on */
export const isExpired = signal(false);

let renewed: Promise<void> | null = null;
let finishRenewal: (() => void) | null = null;

onSessionEnd(() => {
  renewed ??= new Promise<void>((resolve) => {
    finishRenewal = resolve;
    isExpired.value = true;
  });
  return renewed;
});

export async function load(): Promise<void> {
  sessionError.value = null;
  try {
    begin(await account.me());
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.status === 401) user.value = null;
    else if (thrown instanceof ApiError) sessionError.value = thrown;
    else throw thrown;
  }
}

/** Goes on as this user. Another one than before begins with a page of his own. */
export function begin(who: User): void {
  const before = user.value;
  if (before && before.id !== who.id) {
    location.assign("/");
    return;
  }
  user.value = who;
  if (isExpired.value) {
    isExpired.value = false;
    finishRenewal?.();
    finishRenewal = null;
    renewed = null;
  } else {
    stream.start();
  }
}

export async function logout(): Promise<void> {
  await account.logout();
  stream.stop();
  // What was shown to one person is not kept in memory for the next.
  location.assign("/");
}

export const isAdmin = (): boolean => user.value?.role === "admin";
