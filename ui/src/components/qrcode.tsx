// SPDX-License-Identifier: MIT

// qrcode: a text for the camera of a telephone.

import { encode } from "uqr";

/** Modules of white around it, which readers want. */
const BORDER = 4;

/** The dark modules as one path of an SVG, in rows of rectangles one high. */
export function qrPath(words: string): { size: number; path: string } {
  const { size, data } = encode(words, { ecc: "M", border: BORDER });
  let path = "";
  data.forEach((row, y) => {
    for (let x = 0; x < size; x++) {
      const from = x;
      while (x < size && row[x]) x++;
      if (x > from) path += `M${from} ${y}h${x - from}v1h-${x - from}z`;
    }
  });
  return { size, path };
}

/** Dark on white whatever the theme is: not every reader takes it the other way round. */
export function QrCode({ words, label }: { words: string; label: string }) {
  const { size, path } = qrPath(words);
  return (
    <svg class="qr-code" role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`}>
      <path fill="#fff" d={`M0 0h${size}v${size}h-${size}z`} />
      <path fill="#000" shape-rendering="crispEdges" d={path} />
    </svg>
  );
}
