// SPDX-License-Identifier: MIT

// routes: which address shows which page.

import type { ComponentChildren } from "preact";
import type { Parameters } from "../router";
import { ServerPage } from "./server";
import { ServersPage } from "./servers";

export interface Route {
  pattern: string;
  isAdmin?: boolean;
  page: (parameters: Parameters) => ComponentChildren;
}

const id = (parameters: Parameters): number => Number(parameters["id"]);

export const routes: readonly Route[] = [
  { pattern: "/servers", page: () => <ServersPage /> },
  {
    pattern: "/servers/:#id/:tab?",
    page: (p) => <ServerPage id={id(p)} tab={p["tab"] ?? "log"} />,
  },
];
