// SPDX-License-Identifier: MIT
//
// plural: a number and what is counted, in English.

export const plural = (n: number, one: string, many: string): string =>
  `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
