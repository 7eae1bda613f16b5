// SPDX-License-Identifier: MIT

// files: the tree of an overlay of files: looked through, edited, uploaded to.

import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../../api";
import type { FileEntry, FileList, Overlay } from "../../api/types";
import { ErrorLine, useAction } from "../../components/action";
import { Button, LinkButton } from "../../components/button";
import { Confirm, FormDialog } from "../../components/dialog";
import { CheckField, TextField } from "../../components/field";
import { Icon } from "../../components/icon";
import { Ago, Empty, Loading } from "../../components/layout";
import { useLoad } from "../../components/load";
import { Menu } from "../../components/menu";
import { Table, type Column } from "../../components/table";
import { bytes } from "../../format";
import { navigate, query } from "../../router";
import { text } from "../../strings";
import { droppedFiles } from "../../upload/dropped";
import { pathBelow } from "../../upload/plan";
import { enqueue, onArrived } from "../../upload/queue";
import { FileEditor } from "./fileeditor";
import { UploadButtons, Uploads } from "./uploads";

const EDIT_MAX = 1 << 20; // bytes; more is no text for an editor

function addressOf(overlay: number, path: string, isEdited = false): string {
  const parameters = new URLSearchParams();
  if (path) parameters.set("path", path);
  if (isEdited) parameters.set("edit", "1");
  const words = parameters.toString();
  return `/overlays/${overlay}${words ? "?" + words : ""}`;
}

function Crumbs({ overlay, path }: { overlay: number; path: string }) {
  const names = path.split("/").filter(Boolean);
  return (
    <nav class="crumbs" aria-label={text.files.path}>
      <ol>
        <li>
          <a
            href={addressOf(overlay, "")}
            aria-current={names.length === 0 ? "location" : undefined}
          >
            {text.files.root}
          </a>
        </li>
        {names.map((name, i) => (
          <li key={i}>
            <a
              href={addressOf(overlay, names.slice(0, i + 1).join("/"))}
              aria-current={i === names.length - 1 ? "location" : undefined}
            >
              {name}
            </a>
          </li>
        ))}
      </ol>
    </nav>
  );
}

type Asked =
  { what: "mkdir" | "new" } | { what: "move" | "delete"; path: string; isDir: boolean } | null;

function Questions(props: {
  overlay: number;
  path: string;
  asked: Exclude<Asked, null>;
  onDone: () => void;
  onClose: () => void;
}) {
  const { overlay, path, asked, onDone, onClose } = props;
  const [words, setWords] = useState("path" in asked ? asked.path : "");

  if (asked.what === "delete" && "path" in asked)
    return (
      <Confirm
        name="file-delete"
        title={text.files.deleteTitle}
        action={text.common.delete}
        onClose={onClose}
        onConfirm={async () => {
          await api.files.del(overlay, asked.path);
          onDone();
        }}
      >
        <p>{asked.isDir ? text.files.deleteDir(asked.path) : text.files.deleteFile(asked.path)}</p>
      </Confirm>
    );

  const titles = {
    mkdir: text.files.newFolder,
    new: text.files.newFile,
    move: text.files.move,
    delete: "",
  };
  async function submit(): Promise<void> {
    if (asked.what === "move" && "path" in asked) await api.files.move(overlay, asked.path, words);
    else if (asked.what === "mkdir") await api.files.mkdir(overlay, pathBelow(path, words));
    else {
      const target = pathBelow(path, words);
      await api.files.write(overlay, target, new Blob([]), null);
      await navigate(addressOf(overlay, target, true));
    }
    onDone();
  }
  return (
    <FormDialog
      name={`file-${asked.what}`}
      title={titles[asked.what]}
      action={asked.what === "move" ? text.files.move : text.common.create}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        name={asked.what === "move" ? "to" : "path"}
        label={asked.what === "move" ? text.files.moveTo : text.common.name}
        hint={asked.what === "move" ? text.files.moveHint : text.files.newHint}
        value={words}
        onInput={setWords}
        autofocus
        mono
      />
    </FormDialog>
  );
}

interface ListProps {
  overlay: Overlay;
  path: string;
  list: FileList;
  onAsk: (asked: Asked) => void;
}

function List({ overlay, path, list, onAsk }: ListProps) {
  const below = (entry: FileEntry): string => pathBelow(path, entry.name);
  const isText = (entry: FileEntry): boolean => entry.kind === "file" && entry.size <= EDIT_MAX;
  const hrefOf = (entry: FileEntry): string | null => {
    if (entry.kind === "dir") return addressOf(overlay.id, below(entry));
    return isText(entry) ? addressOf(overlay.id, below(entry), true) : null;
  };
  const columns: Column<FileEntry>[] = [
    {
      key: "name",
      head: text.common.name,
      isName: true,
      cell: (entry) => (
        <span class="file-name">
          <Icon name={entry.kind === "dir" ? "folder" : entry.kind === "file" ? "file" : "link"} />
          {hrefOf(entry) ? (
            <a href={hrefOf(entry) ?? ""}>{entry.name}</a>
          ) : (
            <span>{entry.name}</span>
          )}
        </span>
      ),
    },
    {
      key: "size",
      head: text.common.size,
      isNumber: true,
      cell: (entry) => (entry.kind === "file" ? bytes(entry.size) : ""),
    },
    {
      key: "changed",
      head: text.blueprints.changed,
      isMinor: true,
      cell: (entry) => <Ago at={entry.changed} />,
    },
    {
      key: "actions",
      head: text.common.actions,
      isActions: true,
      cell: (entry) => (
        <span class="row-actions">
          <LinkButton
            small
            kind="quiet"
            icon="download"
            label={text.files.downloadOf(entry.name)}
            href={
              entry.kind === "dir"
                ? api.files.zipAddress(overlay.id, below(entry))
                : api.files.contentAddress(overlay.id, below(entry))
            }
            download
          />
          {overlay.may_edit && (
            <Menu
              label={text.files.actionsOf(entry.name)}
              items={[
                {
                  label: text.files.move,
                  icon: "edit",
                  onSelect: () =>
                    onAsk({ what: "move", path: below(entry), isDir: entry.kind === "dir" }),
                },
                {
                  label: text.common.delete,
                  icon: "trash",
                  kind: "danger",
                  onSelect: () =>
                    onAsk({ what: "delete", path: below(entry), isDir: entry.kind === "dir" }),
                },
              ]}
            />
          )}
        </span>
      ),
    },
  ];
  if (list.entries.length === 0)
    return (
      <Empty icon="folder" title={text.files.empty}>
        {overlay.may_edit && text.files.emptyHint}
      </Empty>
    );
  return (
    <Table
      label={text.files.title}
      columns={columns}
      rows={list.entries}
      id={(entry) => entry.name}
    />
  );
}

function Browser({ overlay, path }: { overlay: Overlay; path: string }) {
  const [asked, setAsked] = useState<Asked>(null);
  const [isOver, setOver] = useState(false);
  const [isReplacing, setReplacing] = useState(false);
  const [older, setOlder] = useState<FileEntry[]>([]);
  const first = useLoad(() => api.files.list(overlay.id, path, null), [overlay.id, path]);
  const [next, setNext] = useState<string | null>(null);
  const depth = useRef(0);
  useEffect(() => {
    setOlder([]);
    setNext(first.data?.next ?? null);
  }, [first.data]);
  useEffect(
    () => onArrived((id) => id === overlay.id && first.reload()),
    [overlay.id, first.reload],
  );

  const more = useAction(async () => {
    const page = await api.files.list(overlay.id, path, next);
    setOlder([...older, ...page.entries]);
    setNext(page.next);
  });
  const drop = useAction(async (data: DataTransfer) => {
    const files = await droppedFiles(data);
    enqueue(
      overlay.id,
      files.map((one) => ({ path: pathBelow(path, one.path), file: one.file })),
      isReplacing,
    );
  });

  return (
    <div
      class={isOver ? "drop-zone is-over" : "drop-zone"}
      onDragEnter={(event) => {
        if (!overlay.may_edit || !event.dataTransfer?.types.includes("Files")) return;
        depth.current++;
        setOver(true);
      }}
      onDragLeave={() => {
        depth.current = Math.max(0, depth.current - 1);
        if (depth.current === 0) setOver(false);
      }}
      onDragOver={(event) => {
        if (isOver) event.preventDefault();
      }}
      onDrop={(event) => {
        depth.current = 0;
        setOver(false);
        if (!overlay.may_edit || !event.dataTransfer) return;
        event.preventDefault();
        void drop.run(event.dataTransfer);
      }}
    >
      <div class="file-tools">
        <Crumbs overlay={overlay.id} path={path} />
        <div class="section-actions">
          {overlay.may_edit && (
            <>
              <UploadButtons overlay={overlay.id} path={path} isReplacing={isReplacing} />
              <Button small icon="folder" onClick={() => setAsked({ what: "mkdir" })}>
                {text.files.newFolder}
              </Button>
              <Button small icon="file" onClick={() => setAsked({ what: "new" })}>
                {text.files.newFile}
              </Button>
            </>
          )}
          <LinkButton small icon="archive" href={api.files.zipAddress(overlay.id, path)} download>
            {text.files.zip}
          </LinkButton>
          {overlay.may_edit && (
            <CheckField
              label={text.uploads.replacing}
              checked={isReplacing}
              onChange={setReplacing}
            />
          )}
        </div>
      </div>
      <Uploads overlay={overlay.id} />
      <ErrorLine error={drop.error ?? more.error} />
      {first.data ? (
        <>
          <List
            overlay={overlay}
            path={path}
            list={{ ...first.data, entries: [...first.data.entries, ...older] }}
            onAsk={setAsked}
          />
          {next !== null && (
            <Button busy={more.isBusy} onClick={() => void more.run()}>
              {text.files.more}
            </Button>
          )}
          {first.data.used_entries > 0 && (
            <p class="hint">
              {text.files.used(bytes(first.data.used_bytes), first.data.used_entries)}
            </p>
          )}
        </>
      ) : (
        <Loading error={first.error} onRetry={first.reload} />
      )}
      {asked && (
        <Questions
          overlay={overlay.id}
          path={path}
          asked={asked}
          onDone={first.reload}
          onClose={() => setAsked(null)}
        />
      )}
    </div>
  );
}

export function FilesTab({ overlay }: { overlay: Overlay }) {
  const parameters = new URLSearchParams(query.value);
  const path = parameters.get("path") ?? "";
  if (parameters.has("edit")) {
    const above = path.split("/").slice(0, -1).join("/");
    return (
      <FileEditor
        key={path}
        overlay={overlay}
        path={path}
        back={addressOf(overlay.id, above)}
        crumbs={<Crumbs overlay={overlay.id} path={path} />}
      />
    );
  }
  return <Browser key={path} overlay={overlay} path={path} />;
}
