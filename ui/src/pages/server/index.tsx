// SPDX-License-Identifier: MIT

// server: one server: how it is, what can be done with it, and the parts of it, each under its own
// address.

import { useEffect, useState } from "preact/hooks";
import * as api from "../../api";
import type { Server } from "../../api/types";
import { ErrorLine } from "../../components/action";
import { Button } from "../../components/button";
import { CopyButton } from "../../components/copy";
import { Confirm } from "../../components/dialog";
import { StatusLine } from "../../components/jobs";
import { Ago, Facts, Loading, Notice, Page, Tabs } from "../../components/layout";
import { useLoad } from "../../components/load";
import { Menu } from "../../components/menu";
import { useServerAction, type ServerAction } from "../../components/serveractions";
import {
  isUp,
  mayFiles,
  mayManage,
  mayOperate,
  pendingWords,
  StateBadge,
} from "../../components/serverstate";
import { bytes } from "../../format";
import { navigate } from "../../router";
import { sentence } from "../../sentence";
import { finished } from "../../state/jobs";
import { overlays, servers } from "../../state/things";
import { say } from "../../state/toasts";
import { text } from "../../strings";
import { NotFound } from "../notfound";
import { FilesTab } from "./files";
import { JobsTab } from "./jobs";
import { LogTab } from "./log";
import { PlayersOf, PlayersTab } from "./players";
import { SettingsTab } from "./settings";
import { StackTab } from "./stack";

type Question = "reset" | "kill" | "delete";

function Questions(props: {
  server: Server;
  asked: Question;
  act: ServerAction;
  onClose: () => void;
}) {
  const { server, asked, act, onClose } = props;
  const words = {
    reset: [text.server.resetTitle(server.name), text.server.resetText, text.servers.reset],
    kill: [text.server.killTitle(server.name), text.server.killText, text.servers.kill],
    delete: [text.server.deleteTitle(server.name), text.server.deleteText, text.servers.delete],
  } as const;
  const [title, question, action] = words[asked];

  async function confirm(): Promise<void> {
    if (asked !== "delete") {
      // What comes of it is told where the buttons are.
      void act.run(asked);
      return;
    }
    const { id, name } = server;
    await finished(await api.servers.del(id));
    await navigate("/servers", { replace: true });
    servers.drop(id);
    say(text.server.deleted(name));
  }

  return (
    <Confirm
      name={`server-${asked}`}
      title={title}
      action={action}
      {...(asked === "delete" ? { word: server.name } : {})}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>{question}</p>
    </Confirm>
  );
}

function Actions({ server, act }: { server: Server; act: ServerAction }) {
  const [asked, setAsked] = useState<Question | null>(null);
  if (!mayOperate(server)) return null;
  const busyWith = act.isBusy ? act.job?.kind.replace("server.", "") : undefined;
  return (
    <>
      {isUp(server) ? (
        <>
          <Button
            icon="restart"
            busy={busyWith === "restart"}
            onClick={() => void act.run("restart")}
          >
            {text.servers.restart}
          </Button>
          <Button icon="stop" busy={busyWith === "stop"} onClick={() => void act.run("stop")}>
            {text.servers.stop}
          </Button>
        </>
      ) : (
        <Button kind="primary" icon="play" busy={act.isBusy} onClick={() => void act.run("start")}>
          {text.servers.start}
        </Button>
      )}
      <Menu
        label={text.common.more}
        items={[
          isUp(server)
            ? {
                label: text.servers.kill,
                icon: "stop",
                kind: "danger",
                onSelect: () => setAsked("kill"),
              }
            : null,
          {
            label: text.servers.reset,
            icon: "restart",
            kind: "danger",
            onSelect: () => setAsked("reset"),
          },
          mayManage(server)
            ? {
                label: text.servers.delete,
                icon: "trash",
                kind: "danger",
                onSelect: () => setAsked("delete"),
              }
            : null,
        ]}
      />
      {asked && (
        <Questions server={server} asked={asked} act={act} onClose={() => setAsked(null)} />
      )}
    </>
  );
}

/**
 * Where what is wanted and what is differ, or what waits for a restart; the more important of them.
 */
function ServerNotice({ server, act }: { server: Server; act: ServerAction }) {
  const isDown = server.state === "stopped" || server.state === "failed";
  const button = (verb: api.servers.Verb, label: string) =>
    mayOperate(server) && (
      <Button
        small
        icon={verb === "start" ? "play" : verb === "stop" ? "stop" : "restart"}
        busy={act.isBusy}
        onClick={() => void act.run(verb)}
      >
        {label}
      </Button>
    );

  if (server.wanted === "running" && isDown)
    return (
      <Notice
        isLine
        kind="error"
        actions={
          <>
            {button("start", text.server.driftStart)}
            {button("stop", text.server.driftAccept)}
          </>
        }
      >
        {text.server.driftStopped(text.states[server.state])}
        {server.exit && <> {sentence(text.server.lastExit(server.exit))}</>}
      </Notice>
    );
  if (server.wanted === "stopped" && server.state === "running")
    return (
      <Notice isLine kind="warning" actions={button("stop", text.server.driftStop)}>
        {text.server.driftRunning}
      </Notice>
    );
  if (server.status?.pending_error)
    return (
      <Notice isLine kind="error">
        {sentence(text.server.pendingError(server.status.pending_error))}
      </Notice>
    );
  const words = pendingWords(server.pending);
  if (!isUp(server))
    return (
      <Notice isLine kind="info">
        {text.server.pendingStopped(words)}
      </Notice>
    );
  return (
    <Notice isLine kind="warning" actions={button("restart", text.servers.restart)}>
      {text.server.pending(words)}
    </Notice>
  );
}

function hasNotice(server: Server): boolean {
  const isDown = server.state === "stopped" || server.state === "failed";
  return (
    (server.wanted === "running" && isDown) ||
    (server.wanted === "stopped" && server.state === "running") ||
    Boolean(server.status?.pending_error) ||
    server.pending.length > 0
  );
}

function ServerFacts({ server }: { server: Server }) {
  const status = server.status;
  const address = `connect ${location.hostname}:${server.ports.game}`;
  const limit = status?.limits.memory_bytes;
  return (
    <Facts
      facts={[
        {
          label: text.server.connect,
          value: (
            <span class="with-button">
              <code>{address}</code>
              <CopyButton words={address} />
            </span>
          ),
        },
        {
          label: text.server.ports,
          value: text.server.portsValue(server.ports.game, server.ports.client, server.ports.tv),
        },
        {
          label: text.server.blueprint,
          value: <a href={`/blueprints/${server.blueprint.id}`}>{server.blueprint.name}</a>,
        },
        { label: text.server.owner, value: server.owner.name },
        {
          label: text.players.title,
          value: server.players ? <PlayersOf count={server.players} /> : "–",
        },
        status?.memory_bytes && isUp(server)
          ? {
              label: text.server.memory,
              value: limit
                ? text.server.memoryOf(bytes(status.memory_bytes), bytes(limit))
                : bytes(status.memory_bytes),
            }
          : null,
        status && status.restarts > 0
          ? { label: text.server.restarts, value: status.restarts }
          : null,
      ]}
    />
  );
}

function Part({ server, tab }: { server: Server; tab: string }) {
  switch (tab) {
    case "log":
      return <LogTab server={server} />;
    case "players":
      return <PlayersTab server={server} />;
    case "stack":
      return <StackTab server={server} />;
    case "files":
      return <FilesTab server={server} />;
    case "settings":
      return <SettingsTab server={server} />;
    case "jobs":
      return <JobsTab server={server} />;
    default:
      return <NotFound />;
  }
}

function Known({ server, tab }: { server: Server; tab: string }) {
  const act = useServerAction(server);
  const base = `/servers/${server.id}`;
  return (
    <Page
      title={server.name}
      parent={{ href: "/servers", label: text.servers.title }}
      aside={
        <span class="badges">
          <StateBadge state={server.state} />
          {server.since !== null && (
            <span class="sub">
              {text.server.since} <Ago at={server.since} />
            </span>
          )}
        </span>
      }
      actions={<Actions server={server} act={act} />}
    >
      <ErrorLine error={act.error} onClose={act.clear} />
      <StatusLine server={server.id}>
        {hasNotice(server) && <ServerNotice server={server} act={act} />}
      </StatusLine>
      {!mayOperate(server) && <Notice kind="info">{text.server.noOperate}</Notice>}
      {/* On a phone they would push every part of the page below the fold. */}
      <div class={tab === "log" ? "" : "is-wide-only"}>
        <ServerFacts server={server} />
      </div>
      <Tabs
        label={text.server.tabs}
        tabs={[
          { href: base, label: text.server.tabLog },
          {
            href: `${base}/players`,
            label: text.server.tabPlayers,
            count: server.players?.n ?? null,
          },
          { href: `${base}/stack`, label: text.server.tabStack },
          ...(mayFiles(server) ? [{ href: `${base}/files`, label: text.server.tabFiles }] : []),
          ...(mayManage(server)
            ? [{ href: `${base}/settings`, label: text.server.tabSettings }]
            : []),
          { href: `${base}/jobs`, label: text.server.tabJobs },
        ]}
      />
      <Part server={server} tab={tab} />
    </Page>
  );
}

export function ServerPage({ id, tab }: { id: number; tab: string }) {
  useEffect(() => {
    servers.ensure();
    overlays.ensure();
  }, []);
  // A list has less of each server than the server itself.
  const loaded = useLoad(async () => {
    const server = await api.servers.one(id);
    servers.put(server);
    return server;
  }, [id]);
  const server = servers.find(id);
  if (server) {
    const status = server.status === undefined ? loaded.data?.status : server.status;
    return <Known server={{ ...server, status: status ?? null }} tab={tab} />;
  }
  if (loaded.error?.kind === "not-found" || (servers.isReady.value && !loaded.isLoading))
    return <NotFound />;
  return <Loading error={loaded.error} onRetry={loaded.reload} />;
}
