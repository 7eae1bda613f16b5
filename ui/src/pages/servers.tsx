// SPDX-License-Identifier: MIT

// servers: all servers that one may see, and making one.

import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import type { Server } from "../api/types";
import { ErrorLine } from "../components/action";
import { Button, LinkButton } from "../components/button";
import { FormDialog } from "../components/dialog";
import { NameField, SelectField, TextField } from "../components/field";
import { Badge, Empty, Loading, Page, Who } from "../components/layout";
import { useServerAction } from "../components/serveractions";
import { isUp, mayOperate, pendingWords, StateBadge } from "../components/serverstate";
import { Table, type Column } from "../components/table";
import { navigate } from "../router";
import { blueprints, servers } from "../state/things";
import { say } from "../state/toasts";
import { text } from "../strings";
import { PlayersOf } from "./server/players";

const SEARCH_FROM = 8; // rows; fewer are seen at a glance

function CreateDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [hostname, setHostname] = useState("");
  const [port, setPort] = useState("");
  const [blueprint, setBlueprint] = useState("");
  const list = blueprints.list.value;
  const chosen = blueprint || (list.length === 1 ? String(list[0]?.id ?? "") : "");

  async function submit(): Promise<void> {
    const server = await api.servers.add({
      name: name.trim(),
      blueprint: Number(chosen),
      ...(hostname.trim() ? { hostname: hostname.trim() } : {}),
      ...(port.trim() ? { port: Number(port) } : {}),
    });
    servers.put(server);
    say(text.servers.created(server.name));
    await navigate(`/servers/${server.id}`);
  }

  return (
    <FormDialog
      name="server-new"
      title={text.servers.createTitle}
      action={text.common.create}
      onSubmit={submit}
      onClose={onClose}
    >
      <NameField hint={text.servers.createNameHint} value={name} onInput={setName} autofocus />
      <SelectField
        name="blueprint"
        label={text.servers.createBlueprint}
        value={chosen}
        onChange={setBlueprint}
        options={[
          { value: "", label: text.servers.chooseBlueprint, disabled: true },
          ...list.map((one) => ({ value: String(one.id), label: one.name })),
        ]}
      />
      <TextField
        name="hostname"
        label={text.servers.createHostname}
        optional={text.common.optional}
        hint={text.servers.createHostnameHint}
        value={hostname}
        onInput={setHostname}
        maxLength={120}
      />
      <TextField
        name="port"
        label={text.servers.createPort}
        optional={text.common.optional}
        hint={text.servers.createPortHint}
        value={port}
        onInput={setPort}
        inputMode="numeric"
        maxLength={5}
      />
    </FormDialog>
  );
}

function RowAction({ server }: { server: Server }) {
  const action = useServerAction(server);
  if (!mayOperate(server)) return null;
  const verb = isUp(server) ? "stop" : "start";
  return (
    <div class="row-action">
      <Button
        small
        icon={verb === "stop" ? "stop" : "play"}
        busy={action.isBusy}
        label={`${text.servers[verb]}: ${server.name}`}
        onClick={() => void action.run(verb)}
      >
        {text.servers[verb]}
      </Button>
      <ErrorLine error={action.error} onClose={action.clear} />
    </div>
  );
}

const columns = (): Column<Server>[] => [
  {
    key: "name",
    head: text.common.name,
    isName: true,
    cell: (server) => (
      <>
        <a href={`/servers/${server.id}`}>{server.name}</a>
        {server.hostname && server.hostname !== server.name && (
          <span class="sub">{server.hostname}</span>
        )}
      </>
    ),
  },
  {
    key: "state",
    head: text.common.state,
    cell: (server) => (
      <>
        <span class="badges">
          <StateBadge state={server.state} />
          {server.pending.length > 0 && isUp(server) && (
            <span title={text.server.pending(pendingWords(server.pending))}>
              <Badge tone="warn">{text.servers.pendingShort}</Badge>
            </span>
          )}
        </span>
        {server.players && (
          <span class="sub" title={text.players.title}>
            <PlayersOf count={server.players} />
          </span>
        )}
      </>
    ),
  },
  {
    key: "port",
    head: text.servers.port,
    isNumber: true,
    cell: (server) => <span class="mono">{server.ports.game}</span>,
  },
  {
    key: "blueprint",
    head: text.servers.blueprint,
    isMinor: true,
    cell: (server) => <a href={`/blueprints/${server.blueprint.id}`}>{server.blueprint.name}</a>,
  },
  {
    key: "owner",
    head: text.common.owner,
    isMinor: true,
    cell: (server) => <Who name={server.owner.name} />,
  },
  {
    key: "actions",
    head: text.common.actions,
    isActions: true,
    cell: (server) => <RowAction server={server} />,
  },
];

function NoServers({ onCreate }: { onCreate: () => void }) {
  const hasBlueprint = blueprints.list.value.length > 0;
  return (
    <Empty
      title={text.servers.emptyTitle}
      action={
        hasBlueprint ? (
          <Button kind="primary" icon="add" onClick={onCreate}>
            {text.servers.new}
          </Button>
        ) : (
          <LinkButton kind="primary" href="/blueprints">
            {text.servers.toBlueprints}
          </LinkButton>
        )
      }
    >
      {hasBlueprint ? text.servers.empty : text.servers.emptyNoBlueprint}
    </Empty>
  );
}

function List({ onCreate }: { onCreate: () => void }) {
  const [filter, setFilter] = useState("");
  const all = servers.list.value;
  if (!servers.isReady.value)
    return <Loading error={servers.error.value} onRetry={() => void servers.reload()} />;
  if (all.length === 0) return <NoServers onCreate={onCreate} />;
  const wanted = filter.trim().toLowerCase();
  const shown = all.filter((server) =>
    `${server.name} ${server.hostname} ${server.ports.game}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      {all.length >= SEARCH_FROM && (
        <input
          class="input search"
          type="search"
          aria-label={text.servers.search}
          placeholder={text.servers.search}
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      )}
      {shown.length > 0 ? (
        <Table
          label={text.servers.title}
          columns={columns()}
          rows={shown}
          id={(server) => server.id}
        />
      ) : (
        <p class="hint">{text.servers.noMatch}</p>
      )}
    </>
  );
}

export function ServersPage() {
  const [isCreating, setCreating] = useState(false);
  useEffect(() => {
    servers.ensure();
    blueprints.ensure();
  }, []);
  const onCreate = (): void => setCreating(true);
  return (
    <Page
      title={text.servers.title}
      actions={
        servers.list.value.length > 0 && (
          <Button kind="primary" icon="add" onClick={onCreate}>
            {text.servers.new}
          </Button>
        )
      }
    >
      <List onCreate={onCreate} />
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
    </Page>
  );
}
