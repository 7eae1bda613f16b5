// SPDX-License-Identifier: MIT

// uploads: what is on its way to an overlay, with its progress, and the buttons that begin it.

import { useRef, useState } from "preact/hooks";
import * as api from "../../api";
import { ErrorLine } from "../../components/action";
import { Button } from "../../components/button";
import { FormDialog } from "../../components/dialog";
import { CheckField, Field } from "../../components/field";
import { Badge, Progress } from "../../components/layout";
import { bytes } from "../../format";
import { finished } from "../../state/jobs";
import { say } from "../../state/toasts";
import { text } from "../../strings";
import { chosenFiles, type Dropped } from "../../upload/dropped";
import { pathBelow } from "../../upload/plan";
import { cancel, clearEnded, enqueue, items, retry, type Item } from "../../upload/queue";

const SHOWN = 8; // ended or waiting ones beyond that are counted

function ItemRow({ item }: { item: Item }) {
  const isRunning = item.state === "sending" || item.state === "waiting";
  const percent = item.file.size > 0 ? (item.sent * 100) / item.file.size : 0;
  return (
    <li class="upload">
      <span class="upload-name">{item.path}</span>
      <span class="upload-size">{bytes(item.file.size)}</span>
      {isRunning ? (
        <Progress value={item.state === "waiting" ? 0 : percent} label={item.path} />
      ) : (
        <Badge tone={item.state === "done" ? "good" : item.state === "failed" ? "bad" : "warn"}>
          {text.uploads.states[item.state]}
        </Badge>
      )}
      <span class="row-actions">
        {isRunning && (
          <Button
            small
            kind="quiet"
            icon="close"
            label={text.uploads.cancel(item.path)}
            onClick={() => cancel(item.id)}
          />
        )}
        {item.state === "failed" && item.error?.kind === "exists" && (
          <Button small onClick={() => retry(item.id, true)}>
            {text.uploads.replace}
          </Button>
        )}
        {item.state === "failed" && item.error?.kind !== "exists" && (
          <Button small onClick={() => retry(item.id, item.replaces)}>
            {text.common.tryAgain}
          </Button>
        )}
      </span>
      <ErrorLine error={item.error} />
    </li>
  );
}

// Those first that need somebody, then those that move.
const RANK = { failed: 0, sending: 1, waiting: 2, cancelled: 3, done: 4 };

export function Uploads({ overlay }: { overlay: number }) {
  const mine = items.value.filter((item) => item.overlay === overlay);
  if (mine.length === 0) return null;
  const total = mine.reduce((sum, item) => sum + item.file.size, 0);
  const sent = mine.reduce((sum, item) => sum + item.sent, 0);
  const nDone = mine.filter((item) => item.state === "done").length;
  const isRunning = mine.some((item) => item.state === "sending" || item.state === "waiting");
  // Once all have ended, the list below shows those that have arrived.
  const rows = isRunning ? mine : mine.filter((item) => item.state !== "done");
  const shown = [...rows].sort((a, b) => RANK[a.state] - RANK[b.state]).slice(0, SHOWN);
  return (
    <section class="uploads" aria-label={text.uploads.title}>
      <div class="uploads-head">
        <strong role="status">{text.uploads.summary(nDone, mine.length)}</strong>
        {isRunning && <span class="sub">{text.uploads.bytes(bytes(sent), bytes(total))}</span>}
        {!isRunning && (
          <Button small kind="quiet" onClick={() => clearEnded(overlay)}>
            {text.common.dismiss}
          </Button>
        )}
      </div>
      {isRunning && (
        <Progress value={total > 0 ? (sent * 100) / total : null} label={text.uploads.title} />
      )}
      {shown.length > 0 && (
        <ul>
          {shown.map((item) => (
            <ItemRow key={item.id} item={item} />
          ))}
        </ul>
      )}
      {rows.length > shown.length && (
        <p class="hint">{text.uploads.others(rows.length - shown.length)}</p>
      )}
    </section>
  );
}

function ArchiveDialog(props: { overlay: number; path: string; onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [isStripped, setStripped] = useState(false);
  async function submit(): Promise<void> {
    if (!file) throw new Error(text.uploads.chooseArchive);
    const { overlay, path } = props;
    enqueue(overlay, [{ path: file.name, file }], true, async (upload) => {
      const job = await api.files.extract(overlay, upload, path, isStripped);
      await finished(job);
      say(text.uploads.extracted(file.name));
    });
  }
  return (
    <FormDialog
      name="file-archive"
      title={text.uploads.archive}
      action={text.uploads.archiveRun}
      onSubmit={submit}
      onClose={props.onClose}
    >
      <Field label={text.uploads.archiveFile} hint={text.uploads.archiveHint}>
        {(control) => (
          <input
            {...control}
            class="input"
            type="file"
            accept=".zip,.7z,.rar,.tar,.gz,.tgz,.bz2,.xz,.zst"
            onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
          />
        )}
      </Field>
      <CheckField
        label={text.uploads.strip}
        hint={text.uploads.stripHint}
        checked={isStripped}
        onChange={setStripped}
      />
    </FormDialog>
  );
}

export interface UploadButtonsProps {
  overlay: number;
  path: string;
  isReplacing: boolean;
}

export function UploadButtons({ overlay, path, isReplacing }: UploadButtonsProps) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [isAsking, setAsking] = useState(false);

  function take(chosen: Dropped[]): void {
    enqueue(
      overlay,
      chosen.map((one) => ({ path: pathBelow(path, one.path), file: one.file })),
      isReplacing,
    );
  }

  function onChange(event: { currentTarget: HTMLInputElement }): void {
    take(chosenFiles(event.currentTarget.files));
    event.currentTarget.value = ""; // the same file may be chosen again
  }

  return (
    <>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-label={text.uploads.files}
        onChange={onChange}
      />
      <input
        ref={folder}
        type="file"
        hidden
        aria-label={text.uploads.folder}
        {...{ webkitdirectory: true }}
        onChange={onChange}
      />
      <Button small icon="upload" onClick={() => files.current?.click()}>
        {text.uploads.files}
      </Button>
      <Button small icon="folder" onClick={() => folder.current?.click()}>
        {text.uploads.folder}
      </Button>
      <Button small icon="archive" onClick={() => setAsking(true)}>
        {text.uploads.archive}
      </Button>
      {isAsking && <ArchiveDialog overlay={overlay} path={path} onClose={() => setAsking(false)} />}
    </>
  );
}
