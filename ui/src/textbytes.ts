// SPDX-License-Identifier: MIT

// textbytes: whether bytes are a text, which can be edited without changing what is not understood.

/** The text that the bytes are in UTF-8; null: they are none. */
export function decodeText(bytes: ArrayBuffer): string | null {
  try {
    const words = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return words.includes("\0") ? null : words;
  } catch {
    return null;
  }
}
