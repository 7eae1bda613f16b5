// SPDX-License-Identifier: MIT

// joblog: what a job says, while it says it.

import { useEffect, useMemo } from "preact/hooks";
import type { Job } from "../api/types";
import { isOpen } from "../state/jobs";
import { jobLog } from "../state/logs";
import { text } from "../strings";
import { LogView } from "./logview";

export function JobLog({ job }: { job: Job }) {
  // Once it is followed it is followed to its end: the last lines come after the state, or before
  // it.
  const feed = useMemo(() => jobLog(job.id, isOpen(job)), [job.id]);
  useEffect(() => () => feed.stop(), [feed]);
  return (
    <LogView
      feed={feed}
      label={text.jobs.log}
      fileName={`job-${job.id}.log`}
      empty={isOpen(job) ? text.jobs.logEmpty : text.jobs.logNone}
      isLive={isOpen(job)}
    />
  );
}
