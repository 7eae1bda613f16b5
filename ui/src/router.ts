// SPDX-License-Identifier: MIT
//
// router: the address of the page, as a signal. Links are plain <a href>; a page with something
// unsaved can ask before it is left.

import { signal } from "@preact/signals";

export const path = signal(location.pathname);
/** what stands behind '?' */
export const query = signal(location.search);

/** Says whether the page may be left. */
export type Guard = (to: string) => Promise<boolean>;
const guards = new Set<Guard>();

export type Parameters = Readonly<Record<string, string>>;

/**
 * The parameters if `actual` is of `pattern`, as "/servers/:id/:tab?"; else null. A name with '#'
 * before it, as ":#id", is a number.
 */
export function match(pattern: string, actual: string): Parameters | null {
  const wanted = pattern.split("/").filter(Boolean);
  const words = actual.split("/").filter(Boolean);
  const parameters: Record<string, string> = {};
  if (words.length > wanted.length) return null;
  for (const [i, want] of wanted.entries()) {
    const word = words[i];
    const isOptional = want.endsWith("?");
    if (word === undefined) {
      if (isOptional) continue;
      return null;
    }
    if (!want.startsWith(":")) {
      if (word !== want) return null;
      continue;
    }
    const name = want.slice(1, isOptional ? -1 : undefined);
    if (name.startsWith("#") && !/^[1-9][0-9]{0,14}$/.test(word)) return null;
    parameters[name.replace("#", "")] = decode(word);
  }
  return parameters;
}

function decode(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

async function mayLeave(to: string): Promise<boolean> {
  for (const guard of guards) if (!(await guard(to))) return false;
  return true;
}

function show(to: string): void {
  const url = new URL(to, location.href);
  path.value = url.pathname;
  query.value = url.search;
}

export async function navigate(to: string, options: { replace?: boolean } = {}): Promise<void> {
  if (to === location.pathname + location.search || !(await mayLeave(to))) return;
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  show(to);
}

/** Asks `guard` before the page is left. Returns how to stop that. */
export function guardLeaving(guard: Guard): () => void {
  guards.add(guard);
  return () => guards.delete(guard);
}

async function onBack(): Promise<void> {
  const to = location.pathname + location.search;
  const from = path.value + query.value;
  if (to === from) return;
  if (guards.size > 0) {
    // The browser has gone there already: it is taken back until the answer is known.
    history.pushState(null, "", from);
    if (!(await mayLeave(to))) return;
    history.replaceState(null, "", to);
  }
  show(to);
}

function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin)
    return;
  if (link.pathname.startsWith("/api/") || (link.hash && link.pathname === location.pathname))
    return;
  event.preventDefault();
  void navigate(link.pathname + link.search);
}

export function startRouter(): void {
  window.addEventListener("popstate", () => void onBack());
  document.addEventListener("click", onClick);
  window.addEventListener("beforeunload", (event) => {
    if (guards.size > 0) event.preventDefault();
  });
}
