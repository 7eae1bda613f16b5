// SPDX-License-Identifier: MIT

// serveractions: what is done to a server with a button. One at a time: they wait for each other
// anyway.

import * as api from "../api";
import type { Job, Server } from "../api/types";
import { text } from "../strings";
import { useJobAction, type Action } from "./action";

const RESULTS: Record<api.servers.Verb, (name: string) => string> = {
  start: (name) => text.server.started(name),
  stop: (name) => text.server.stopped(name),
  restart: (name) => text.server.restarted(name),
  reset: (name) => text.server.reset(name),
  kill: (name) => text.server.killed(name),
};

const VERBS = Object.keys(RESULTS) as api.servers.Verb[];

export type ServerAction = Action<[api.servers.Verb]> & { job: Job | undefined };

export function useServerAction(server: Server): ServerAction {
  return useJobAction(
    (verb: api.servers.Verb) => api.servers.act(server.id, verb),
    (job) => {
      const verb = VERBS.find((known) => job.kind === `server.${known}`);
      return verb ? RESULTS[verb](server.name) : null;
    },
  );
}
