// SPDX-License-Identifier: MIT
//
// The page is built into dist/: index.html, theme.js, and assets/ whose names carry a hash of what
// is in them, so that these may be cached for ever.

import { defineConfig } from "vite";
import { mockApi } from "./mock/plugin";

export default defineConfig(({ command, isPreview }) => ({
  // What stands in for the back end while the page is worked on. It is no part of what is built.
  plugins: command === "serve" || isPreview ? [mockApi()] : [],
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    target: "es2022",
    sourcemap: false,
    // What is inlined as data: would be one more thing for the policy to allow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: { include: ["test/**/*.test.ts"] },
}));
