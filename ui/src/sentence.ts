// SPDX-License-Identifier: MIT

/**
 * As a sentence of a page: the API's begin small and have no full stop. Beside a field it is about
 * "it": what the API calls that `field` is not what the page calls it.
 */
export function sentence(message: string, field?: string): string {
  let words = message.trim();
  if (field) words = words.replace(new RegExp(`^'?${field}'? `), "it ");
  if (words === "") return words;
  const end = /[.!?:…)]$/.test(words) ? "" : ".";
  // A word that is a name, as "l4d2ctl" or "'x'", stays as it is.
  const first = /^[a-z]+[ ,;:]/.test(words) ? words.charAt(0).toUpperCase() : words.charAt(0);
  return first + words.slice(1) + end;
}
