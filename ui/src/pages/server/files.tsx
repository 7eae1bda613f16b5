// SPDX-License-Identifier: MIT

// files: what the game wrote, and the files that the server has for itself.

import { useEffect, useState } from "preact/hooks";
import * as api from "../../api";
import { fetchApi } from "../../api/http";
import type { DriftEntry, Server } from "../../api/types";
import { ErrorLine, useJobAction } from "../../components/action";
import { Button, LinkButton } from "../../components/button";
import { Confirm, Dialog, FormDialog } from "../../components/dialog";
import { SelectField } from "../../components/field";
import { Badge, Empty, Loading, Notice, Section, type Tone } from "../../components/layout";
import { useLoad } from "../../components/load";
import { Menu } from "../../components/menu";
import { isUp, mayManage } from "../../components/serverstate";
import { Table, type Column } from "../../components/table";
import { bytes } from "../../format";
import { finished } from "../../state/jobs";
import { overlays, servers } from "../../state/things";
import { say } from "../../state/toasts";
import { text } from "../../strings";
import { decodeText } from "../../textbytes";

const VIEW_MAX = 512 << 10; // bytes

const TONES: Record<string, Tone> = {
  added: "good",
  changed: "busy",
  replaced: "busy",
  removed: "bad",
  unreadable: "warn",
  unknown: "warn",
};

async function readUpper(server: number, path: string): Promise<string | null> {
  const response = await fetchApi("GET", `/servers/${server}/upper/content`, { query: { path } });
  return decodeText(await response.arrayBuffer());
}

function ViewDialog(props: { server: Server; entry: DriftEntry; onClose: () => void }) {
  const { server, entry, onClose } = props;
  const isSmall = (entry.size ?? 0) <= VIEW_MAX;
  const file = useLoad(
    async () => (isSmall ? await readUpper(server.id, entry.path) : null),
    [server.id, entry.path],
  );
  return (
    <Dialog
      name="upper-view"
      title={entry.path}
      wide
      onClose={onClose}
      footer={
        <LinkButton icon="download" href={api.servers.upperAddress(server.id, entry.path)} download>
          {text.common.download}
        </LinkButton>
      }
    >
      {file.data === undefined ? (
        <Loading error={file.error} onRetry={file.reload} />
      ) : file.data === null ? (
        <p>{isSmall ? text.upper.viewBinary : text.upper.viewTooLarge}</p>
      ) : (
        <pre class="plain-text" tabIndex={0}>
          {file.data}
        </pre>
      )}
    </Dialog>
  );
}

function KeepDialog(props: {
  server: Server;
  entry: DriftEntry;
  onDone: () => void;
  onClose: () => void;
}) {
  const { server, entry, onDone } = props;
  const [to, setTo] = useState("own");
  useEffect(() => overlays.ensure(), []);
  const others = overlays.list.value.filter(
    (overlay) => overlay.type === "files" && overlay.may_edit && overlay.server === null,
  );
  async function submit(): Promise<string> {
    const target = to === "own" ? undefined : Number(to);
    await finished(await api.servers.keep(server.id, entry.path, target));
    onDone();
    return text.upper.kept;
  }
  return (
    <FormDialog
      name="upper-keep"
      title={text.upper.keepTitle}
      action={text.upper.keep}
      onSubmit={submit}
      onClose={props.onClose}
    >
      <p>{text.upper.keepText(entry.path)}</p>
      <SelectField
        name="to"
        label={text.upper.keepTo}
        value={to}
        onChange={setTo}
        options={[
          { value: "own", label: text.upper.keepOwn },
          ...others.map((overlay) => ({ value: String(overlay.id), label: overlay.name })),
        ]}
      />
    </FormDialog>
  );
}

type Asked = { what: "view" | "drop" | "keep"; entry: DriftEntry } | null;

function Questions(props: {
  server: Server;
  asked: Exclude<Asked, null>;
  onDone: () => void;
  onClose: () => void;
}) {
  const { server, asked, onDone, onClose } = props;
  const { entry } = asked;
  if (asked.what === "view") return <ViewDialog server={server} entry={entry} onClose={onClose} />;
  if (asked.what === "keep")
    return <KeepDialog server={server} entry={entry} onDone={onDone} onClose={onClose} />;
  return (
    <Confirm
      name="upper-drop"
      title={text.upper.dropTitle}
      action={text.upper.drop}
      onConfirm={async () => {
        await finished(await api.servers.drop(server.id, entry.path));
        onDone();
        say(text.upper.dropped);
      }}
      onClose={onClose}
    >
      <p>{text.upper.dropText(entry.path)}</p>
    </Confirm>
  );
}

function sizeOf(entry: DriftEntry): string {
  if (entry.entry === "directory") return "";
  if (entry.change === "added") return bytes(entry.size);
  if (entry.size === null) return entry.size_before === null ? "" : bytes(entry.size_before);
  if (entry.size_before === null || entry.size_before === entry.size) return bytes(entry.size);
  return text.upper.sizes(bytes(entry.size_before), bytes(entry.size));
}

function Written({ server }: { server: Server }) {
  const [asked, setAsked] = useState<Asked>(null);
  const drift = useLoad(() => api.servers.drift(server.id), [server.id]);
  // What a game writes while it runs is not followed; a stop or a reset is worth a look.
  useEffect(() => {
    if (drift.data || drift.error) drift.reload();
  }, [server.state]);
  const isStopped = !isUp(server);
  const columns: Column<DriftEntry>[] = [
    {
      key: "path",
      head: text.upper.path,
      isName: true,
      cell: (entry) => <code>{entry.path + (entry.entry === "directory" ? "/" : "")}</code>,
    },
    {
      key: "change",
      head: text.upper.change,
      cell: (entry) => (
        <Badge tone={TONES[entry.change] ?? "calm"}>
          {text.upper.changes[entry.change] ?? entry.change}
        </Badge>
      ),
    },
    { key: "size", head: text.common.size, isNumber: true, cell: sizeOf },
    {
      key: "actions",
      head: text.common.actions,
      isActions: true,
      cell: (entry) => {
        const isFile = entry.entry === "file" && entry.change !== "removed";
        return (
          <span class="row-actions">
            {isFile && (
              <>
                <Button small onClick={() => setAsked({ what: "view", entry })}>
                  {text.upper.view}
                </Button>
                <LinkButton
                  small
                  kind="quiet"
                  icon="download"
                  label={text.files.downloadOf(entry.path)}
                  href={api.servers.upperAddress(server.id, entry.path)}
                  download
                />
              </>
            )}
            {isStopped && (
              <Menu
                label={text.files.actionsOf(entry.path)}
                items={[
                  entry.change === "removed"
                    ? null
                    : { label: text.upper.keep, onSelect: () => setAsked({ what: "keep", entry }) },
                  {
                    label: text.upper.drop,
                    icon: "trash",
                    kind: "danger",
                    onSelect: () => setAsked({ what: "drop", entry }),
                  },
                ]}
              />
            )}
          </span>
        );
      },
    },
  ];
  return (
    <Section
      title={text.upper.title}
      hint={text.upper.hint}
      actions={
        <Button icon="restart" busy={drift.isLoading} onClick={drift.reload}>
          {text.common.refresh}
        </Button>
      }
    >
      {!drift.data && drift.error?.status === 404 ? (
        <Empty title={text.server.neverStarted}>{text.server.neverStartedHint}</Empty>
      ) : !drift.data ? (
        <Loading error={drift.error} onRetry={drift.reload} />
      ) : drift.data.entries.length === 0 ? (
        <Empty icon="folder" title={text.upper.empty} />
      ) : (
        <>
          {!isStopped && <Notice kind="info">{text.upper.stopFirst}</Notice>}
          <ErrorLine error={drift.error} />
          <Table
            label={text.upper.title}
            columns={columns}
            rows={drift.data.entries}
            id={(entry) => entry.path}
          />
          {drift.data.truncated && <p class="hint">{text.upper.truncated}</p>}
        </>
      )}
      {asked && (
        <Questions
          server={server}
          asked={asked}
          onDone={drift.reload}
          onClose={() => setAsked(null)}
        />
      )}
    </Section>
  );
}

function Own({ server }: { server: Server }) {
  const make = useJobAction(
    async () => api.servers.makeOverlay(server.id),
    () => {
      void api.servers.one(server.id).then(servers.put);
      void overlays.reload();
      return text.upper.ownMade;
    },
  );
  return (
    <Section
      title={text.upper.own}
      hint={text.upper.ownHint}
      actions={
        server.overlay !== null ? (
          <LinkButton icon="folder" href={`/overlays/${server.overlay}`}>
            {text.upper.ownOpen}
          </LinkButton>
        ) : (
          mayManage(server) && (
            <Button icon="add" busy={make.isBusy} onClick={() => void make.run()}>
              {text.upper.ownMake}
            </Button>
          )
        )
      }
    >
      {server.overlay === null && <p class="hint">{text.upper.ownNone}</p>}
      <ErrorLine error={make.error} />
    </Section>
  );
}

export function FilesTab({ server }: { server: Server }) {
  return (
    <>
      <Own server={server} />
      <Written server={server} />
    </>
  );
}
