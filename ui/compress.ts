// SPDX-License-Identifier: MIT
//
// compress: lays NAME.gz and NAME.br beside each file that was built and becomes smaller by it;
// left4me-web hands them to whoever takes them. The same input makes the same bytes.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const WORTH_IT = 0.9; // of the plain size, at most

function compress(path: string): void {
  const plain = readFileSync(path);
  const forms = {
    gz: gzipSync(plain, { level: 9 }),
    br: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
  };
  for (const [ending, bytes] of Object.entries(forms))
    if (bytes.length < plain.length * WORTH_IT) writeFileSync(`${path}.${ending}`, bytes);
}

export function compressAll(): Plugin {
  let out = "";
  return {
    name: "compress",
    apply: "build",
    configResolved(config) {
      out = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const entry of readdirSync(out, { recursive: true, withFileTypes: true }))
        if (entry.isFile()) compress(join(entry.parentPath ?? entry.path, entry.name));
    },
  };
}
