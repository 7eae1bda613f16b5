// SPDX-License-Identifier: MIT
//
// merge: what two people have made of the same thing, field by field. Who saves second loses
// nothing, and takes nothing away: only what both have changed is a question.

export interface Merged<T> {
  /** with what was changed on one side only; of what both have changed, mine */
  value: T;
  conflicts: (keyof T)[];
  /** what only they have changed */
  taken: (keyof T)[];
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function merge<T extends object>(base: T, mine: T, theirs: T): Merged<T> {
  const value = { ...mine };
  const conflicts: (keyof T)[] = [];
  const taken: (keyof T)[] = [];
  for (const key of Object.keys(mine) as (keyof T)[]) {
    if (isSame(mine[key], theirs[key]) || isSame(base[key], theirs[key])) continue;
    if (isSame(base[key], mine[key])) {
      value[key] = theirs[key];
      taken.push(key);
    } else {
      conflicts.push(key);
    }
  }
  return { value, conflicts, taken };
}

export function isChanged<T>(base: T, mine: T): boolean {
  return !isSame(base, mine);
}
