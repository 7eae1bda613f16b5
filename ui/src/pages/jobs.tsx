// SPDX-License-Identifier: MIT

// jobs: everything that the machine was asked to do, and one of them with its log.

import { useEffect } from "preact/hooks";
import * as api from "../api";
import { ApiError } from "../api";
import type { Job } from "../api/types";
import { ErrorLine } from "../components/action";
import { JobList } from "../components/joblist";
import { JobLog } from "../components/joblog";
import { CancelJob, JobAbout, JobState, kindOf, took } from "../components/jobs";
import { Ago, Facts, Loading, Page, Progress } from "../components/layout";
import { useLoad } from "../components/load";
import { find, isOpen, put } from "../state/jobs";
import { overlays, servers } from "../state/things";
import { text } from "../strings";
import { NotFound } from "./notfound";

export function JobsPage() {
  useEffect(() => {
    servers.ensure();
    overlays.ensure();
  }, []);
  return (
    <Page title={text.jobs.title}>
      <JobList filter={{}} empty={text.jobs.emptyTitle} isAboutShown />
    </Page>
  );
}

/** What a job was given, or has said at its end: small, and as it is. */
function Values({ label, values }: { label: string; values: Record<string, unknown> }) {
  if (Object.keys(values).length === 0) return null;
  return (
    <details class="details">
      <summary>{label}</summary>
      <pre class="plain-text" tabIndex={0}>
        {JSON.stringify(values, null, 2)}
      </pre>
    </details>
  );
}

function Known({ job }: { job: Job }) {
  return (
    <Page
      title={kindOf(job)}
      parent={{ href: "/jobs", label: text.jobs.title }}
      aside={<JobState job={job} />}
      actions={<CancelJob job={job} />}
    >
      <ErrorLine error={job.error ? new ApiError(job.error.kind, job.error.message, 0) : null} />
      {isOpen(job) && job.progress !== null && (
        <Progress value={job.progress} label={text.jobs.progress} />
      )}
      <Facts
        facts={[
          { label: text.jobs.about, value: <JobAbout job={job} /> },
          { label: text.jobs.by, value: job.asked_by_name },
          { label: text.jobs.when, value: <Ago at={Math.floor(job.created_us / 1e6)} /> },
          { label: text.jobs.took, value: took(job) },
          { label: text.jobs.number, value: job.id },
        ]}
      />
      <JobLog job={job} />
      <Values label={text.jobs.parameters} values={job.parameters} />
      <Values label={text.jobs.result} values={job.result} />
    </Page>
  );
}

export function JobPage({ id }: { id: number }) {
  useEffect(() => {
    servers.ensure();
    overlays.ensure();
  }, []);
  const loaded = useLoad(async () => {
    const job = await api.jobs.one(id);
    put(job);
    return job;
  }, [id]);
  const job = find(id) ?? loaded.data;
  if (job) return <Known key={id} job={job} />;
  if (loaded.error?.kind === "not-found") return <NotFound />;
  return <Loading error={loaded.error} onRetry={loaded.reload} />;
}
