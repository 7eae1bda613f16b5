// SPDX-License-Identifier: MIT

// routes: which address shows which page.

import type { ComponentChildren } from "preact";
import type { Parameters } from "../router";
import { AccountPage } from "./account";
import { BlueprintPage } from "./blueprint";
import { BlueprintsPage } from "./blueprints";
import { GamePage } from "./game";
import { JobPage, JobsPage } from "./jobs";
import { MachinePage } from "./machine";
import { OverlayPage } from "./overlay";
import { OverlaysPage } from "./overlays";
import { ServerPage } from "./server";
import { ServersPage } from "./servers";
import { UsersPage } from "./users";

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
  { pattern: "/blueprints", page: () => <BlueprintsPage /> },
  { pattern: "/blueprints/:#id", page: (p) => <BlueprintPage id={id(p)} /> },
  { pattern: "/overlays", page: () => <OverlaysPage /> },
  {
    pattern: "/overlays/:#id/:tab?",
    page: (p) => <OverlayPage id={id(p)} tab={p["tab"] ?? ""} />,
  },
  { pattern: "/jobs", page: () => <JobsPage /> },
  { pattern: "/jobs/:#id", page: (p) => <JobPage id={id(p)} /> },
  { pattern: "/account", page: () => <AccountPage /> },
  { pattern: "/game", page: () => <GamePage /> },
  { pattern: "/users/:tab?", isAdmin: true, page: (p) => <UsersPage tab={p["tab"] ?? ""} /> },
  { pattern: "/machine/:tab?", isAdmin: true, page: (p) => <MachinePage tab={p["tab"] ?? ""} /> },
];
