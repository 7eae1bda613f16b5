// SPDX-License-Identifier: MIT

// joblist: the jobs of everything or of one thing, as they change, with older ones on demand.

import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import type { Job } from "../api/types";
import { jobs } from "../state/jobs";
import { text } from "../strings";
import { ErrorLine, useAction } from "./action";
import { Button } from "./button";
import { JobTable } from "./jobs";
import { Empty, Loading } from "./layout";
import { useLoad } from "./load";

export interface JobListProps {
  filter: api.jobs.JobFilter;
  empty: string;
  isAboutShown: boolean;
}

function isOf(job: Job, filter: api.jobs.JobFilter): boolean {
  return (
    (filter.server === undefined || job.server === filter.server) &&
    (filter.overlay === undefined || job.overlay === filter.overlay)
  );
}

export function JobList({ filter, empty, isAboutShown }: JobListProps) {
  const first = useLoad(() => api.jobs.list(filter, null), [filter.server, filter.overlay]);
  const [older, setOlder] = useState<readonly Job[]>([]);
  const [next, setNext] = useState<number | null>(null);
  useEffect(() => {
    setOlder([]);
    setNext(first.data?.next ?? null);
  }, [first.data]);

  const more = useAction(async () => {
    const page = await api.jobs.list(filter, next);
    setOlder([...older, ...page.jobs]);
    setNext(page.next);
  });

  if (!first.data) return <Loading error={first.error} onRetry={first.reload} />;
  // What events have told is newer than what was loaded.
  const byId = new Map<number, Job>();
  for (const job of [...first.data.jobs, ...older]) byId.set(job.id, job);
  const oldest = Math.min(...byId.keys());
  for (const job of jobs.value)
    if (isOf(job, filter) && (byId.has(job.id) || job.id > oldest || next === null))
      byId.set(job.id, job);
  const list = [...byId.values()].sort((a, b) => b.id - a.id);
  if (list.length === 0) return <Empty title={empty} />;
  return (
    <>
      <JobTable list={list} isAboutShown={isAboutShown} />
      {next !== null && (
        <Button busy={more.isBusy} onClick={() => void more.run()}>
          {text.common.olderOnes}
        </Button>
      )}
      <ErrorLine error={more.error} />
    </>
  );
}
