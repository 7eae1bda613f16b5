// SPDX-License-Identifier: MIT
//
// collection: the things of one kind that this user may see, as the list of the API had them and
// events have changed them since.

import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { asApiError, type ApiError } from "../api";
import { on, onLost, want } from "../events/stream";

export interface Collection<T> {
  readonly list: ReadonlySignal<readonly T[]>;
  readonly isReady: ReadonlySignal<boolean>;
  readonly error: ReadonlySignal<ApiError | null>;
  find(id: number): T | undefined;
  /** Loads it if it is not there yet, and keeps it as it is on the machine from then on. */
  ensure(): void;
  reload(): Promise<void>;
  /** Takes what an answer has told before the event does. */
  put(thing: T): void;
  drop(id: number): void;
}

interface Page<T> {
  things: readonly T[];
  next: number | null;
}

export interface CollectionOptions<T> {
  topic: string;
  event: string;
  load: (after: number | null) => Promise<Page<T>>;
  order: (a: T, b: T) => number;
}

interface Thing {
  id: number;
  revision?: number;
}

function isDeleted(data: unknown): data is { id: number } {
  return typeof data === "object" && data !== null && "deleted" in data && data.deleted === true;
}

// An answer may be on its way while an event tells something newer.
function isOlder(thing: Thing, known: Thing | undefined): boolean {
  return known?.revision !== undefined && (thing.revision ?? 0) < known.revision;
}

export function collection<T extends Thing>(options: CollectionOptions<T>): Collection<T> {
  const map: Signal<ReadonlyMap<number, T>> = signal(new Map());
  const isReady = signal(false);
  const error = signal<ApiError | null>(null);
  const list = computed(() => [...map.value.values()].sort(options.order));
  let isWanted = false;
  // What came while a list was on its way: it is newer than the list, or the same.
  let meanwhile: ((into: Map<number, T>) => void)[] | null = null;

  function change(step: (into: Map<number, T>) => void): void {
    meanwhile?.push(step);
    const next = new Map(map.value);
    step(next);
    map.value = next;
  }

  function put(thing: T): void {
    if (isOlder(thing, map.value.get(thing.id))) return;
    change((into) => into.set(thing.id, thing));
  }

  function drop(id: number): void {
    change((into) => into.delete(id));
  }

  async function reload(): Promise<void> {
    const steps: ((into: Map<number, T>) => void)[] = [];
    meanwhile = steps;
    try {
      const next = new Map<number, T>();
      let after: number | null = null;
      do {
        const page: Page<T> = await options.load(after);
        for (const thing of page.things) next.set(thing.id, thing);
        after = page.next;
      } while (after !== null);
      for (const step of steps) step(next);
      map.value = next;
      isReady.value = true;
      error.value = null;
    } catch (thrown) {
      error.value = asApiError(thrown);
    } finally {
      if (meanwhile === steps) meanwhile = null;
    }
  }

  function ensure(): void {
    if (isWanted) {
      if (error.value && !meanwhile) void reload();
      return;
    }
    isWanted = true;
    want(options.topic);
    on(options.event, (data) => {
      if (isDeleted(data)) drop(data.id);
      else put(data as T);
    });
    onLost(() => void reload());
    void reload();
  }

  return { list, isReady, error, find: (id) => map.value.get(id), ensure, reload, put, drop };
}
