// SPDX-License-Identifier: MIT

// catalogue: what a catalogue must have: the keys of the English one, and for each a text, or a
// function of the same values.

import type * as en from "./en";

type Translated<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { readonly [K in keyof T]: Translated<T[K]> };

export type Catalogue = Translated<typeof en>;
