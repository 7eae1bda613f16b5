// SPDX-License-Identifier: MIT

// toasts: results of what was done, said once and gone after a while.

import { signal } from "@preact/signals";

const SHOWN_MS = 6_000;
const SHOWN_MAX = 2;

export interface Toast {
  id: number;
  message: string;
}

export const toasts = signal<readonly Toast[]>([]);
let nextId = 1;

export function say(message: string): void {
  const id = nextId++;
  const others = toasts.value.filter((toast) => toast.message !== message);
  toasts.value = [...others.slice(1 - SHOWN_MAX), { id, message }];
  window.setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}
