// SPDX-License-Identifier: MIT

// newest: the newest build of an overlay, with its log.

import { useEffect, useRef } from "preact/hooks";
import * as api from "../../api";
import type { Job } from "../../api/types";
import { ErrorLine } from "../../components/action";
import { JobLog } from "../../components/joblog";
import { JobState, took } from "../../components/jobs";
import { Ago, Section } from "../../components/layout";
import { ApiError } from "../../api";
import { isOpen, jobs, put } from "../../state/jobs";
import { text } from "../../strings";

const BUILDS = ["overlay.build", "overlay.wipe", "game.install"];

export function newestBuild(overlay: number): Job | undefined {
  return jobs.value.find((job) => job.overlay === overlay && BUILDS.includes(job.kind));
}

export function NewestBuild({ overlay }: { overlay: number }) {
  useEffect(() => {
    // It may be older than the jobs that are known.
    api.jobs.list({ overlay }, null, 20).then(
      (page) => put(...page.jobs),
      () => {}, // the list of jobs says what is wrong
    );
  }, [overlay]);
  const job = newestBuild(overlay);
  const place = useRef<HTMLDivElement>(null);
  const known = useRef<number | undefined>(undefined);
  // Whoever has asked for a build wants to see it.
  useEffect(() => {
    if (known.current !== undefined && job && isOpen(job))
      place.current?.scrollIntoView({ block: "nearest" });
    known.current = job?.id ?? 0;
  }, [job?.id]);
  if (!job) return null;
  return (
    <div ref={place}>
      <Section
        title={text.overlay.newestBuild}
        hint={
          <>
            <JobState job={job} /> <Ago at={Math.floor(job.created_us / 1e6)} />
            {!isOpen(job) && ` · ${took(job)}`}
            {" · "}
            <a href={`/jobs/${job.id}`}>{text.jobs.job(job.id)}</a>
          </>
        }
      >
        <ErrorLine error={job.error ? new ApiError(job.error.kind, job.error.message, 0) : null} />
        <div class="log-box-small">
          <JobLog key={job.id} job={job} />
        </div>
      </Section>
    </div>
  );
}
