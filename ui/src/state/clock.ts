// SPDX-License-Identifier: MIT

// clock: the time, for what is said relative to it.

import { signal } from "@preact/signals";

const STEP_MS = 15_000;

export const nowUnixS = signal(Math.floor(Date.now() / 1000));

window.setInterval(() => {
  nowUnixS.value = Math.floor(Date.now() / 1000);
}, STEP_MS);
