// SPDX-License-Identifier: MIT

// jobs: parts of pages that show jobs.

import type { ComponentChildren } from "preact";
import * as api from "../api";
import type { Job } from "../api/types";
import { duration } from "../format";
import { isOpen, jobs, openJobs } from "../state/jobs";
import { nowUnixS } from "../state/clock";
import { overlays, servers } from "../state/things";
import { text } from "../strings";
import { ErrorLine, useAction } from "./action";
import { Button } from "./button";
import { Ago, Badge, Progress, Who, type Tone } from "./layout";
import { Table, type Column } from "./table";

const TONES: Record<Job["state"], Tone> = {
  queued: "calm",
  running: "busy",
  done: "good",
  failed: "bad",
  cancelled: "warn",
};

export const kindOf = (job: Job): string => text.jobs.kinds[job.kind] ?? job.kind;

export function JobState({ job }: { job: Job }) {
  const words = job.cancelling && isOpen(job) ? text.jobs.cancelling : text.jobs.states[job.state];
  return (
    <Badge tone={TONES[job.state]}>
      {words}
      {job.state === "running" && job.progress !== null && ` ${job.progress} %`}
    </Badge>
  );
}

export function JobAbout({ job }: { job: Job }) {
  if (job.server !== null)
    return (
      <a href={`/servers/${job.server}`}>
        {servers.find(job.server)?.name ?? text.jobs.server(job.server)}
      </a>
    );
  if (job.overlay !== null)
    return (
      <a href={job.overlay === 1 ? "/game" : `/overlays/${job.overlay}`}>
        {overlays.find(job.overlay)?.name ?? text.jobs.overlay(job.overlay)}
      </a>
    );
  const name = job.parameters["name"];
  return <>{typeof name === "string" && name !== "" ? name : "–"}</>;
}

export function took(job: Job): string {
  if (job.started_us === null) return "–";
  const end = job.ended_us ?? nowUnixS.value * 1_000_000;
  return duration(Math.max(0, (end - job.started_us) / 1_000_000));
}

export function CancelJob({ job }: { job: Job }) {
  const cancel = useAction(async () => {
    await api.jobs.cancel(job.id);
    return text.jobs.cancelAsked;
  });
  if (!isOpen(job)) return null;
  return (
    <>
      <Button small busy={cancel.isBusy || job.cancelling} onClick={() => void cancel.run()}>
        {text.jobs.cancel}
      </Button>
      <ErrorLine error={cancel.error} />
    </>
  );
}

export interface About {
  server?: number;
  overlay?: number;
}

function isAbout(job: Job, about: About): boolean {
  return (
    (about.server !== undefined && job.server === about.server) ||
    (about.overlay !== undefined && job.overlay === about.overlay)
  );
}

export const openAbout = (about: About): readonly Job[] =>
  openJobs.value.filter((job) => isAbout(job, about));

/**
 * One line about a thing, always in its place, so that nothing moves when something begins or ends:
 * what is under way, whoever asked for it; else `children`, which is what there is to be said; else
 * what was done last.
 */
export function StatusLine(props: About & { children?: ComponentChildren }) {
  const open = openAbout(props);
  const job = open[0];
  if (job)
    return (
      <div class="status-line status-busy">
        <span class="spinner" aria-hidden="true" />
        <span class="status-text" role="status">
          <a href={`/jobs/${job.id}`}>{text.jobs.underway(kindOf(job), job.asked_by_name)}</a>
          {open.length > 1 && ` ${text.jobs.andMore(open.length - 1)}`}
        </span>
        <JobState job={job} />
        {job.progress !== null && <Progress value={job.progress} label={text.jobs.progress} />}
        <CancelJob job={job} />
      </div>
    );
  if (props.children) return <>{props.children}</>;
  const last = jobs.value.find((one) => isAbout(one, props));
  return (
    <div class="status-line">
      <span class="status-text">
        {last ? (
          <>
            {text.jobs.last} <a href={`/jobs/${last.id}`}>{kindOf(last)}</a>, {last.asked_by_name},{" "}
            <Ago at={Math.floor(last.created_us / 1e6)} />
          </>
        ) : (
          text.jobs.noneLately
        )}
      </span>
      {last && <JobState job={last} />}
    </div>
  );
}

export function JobTable({ list, isAboutShown }: { list: readonly Job[]; isAboutShown: boolean }) {
  const columns: Column<Job>[] = [
    {
      key: "what",
      head: text.jobs.what,
      isName: true,
      cell: (job) => <a href={`/jobs/${job.id}`}>{kindOf(job)}</a>,
    },
    { key: "about", head: text.jobs.about, cell: (job) => <JobAbout job={job} /> },
    { key: "state", head: text.common.state, cell: (job) => <JobState job={job} /> },
    {
      key: "by",
      head: text.jobs.by,
      isMinor: true,
      cell: (job) => <Who name={job.asked_by_name} />,
    },
    {
      key: "when",
      head: text.jobs.when,
      cell: (job) => <Ago at={Math.floor(job.created_us / 1_000_000)} />,
    },
    { key: "took", head: text.jobs.took, isNumber: true, isMinor: true, cell: took },
    {
      key: "actions",
      head: text.common.actions,
      isActions: true,
      cell: (job) => <CancelJob job={job} />,
    },
  ];
  return (
    <Table
      label={text.jobs.title}
      columns={isAboutShown ? columns : columns.filter((column) => column.key !== "about")}
      rows={list}
      id={(job) => job.id}
    />
  );
}
