// SPDX-License-Identifier: MIT

// blueprints: all recipes that one may see.

import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import type { Blueprint } from "../api/types";
import { Button } from "../components/button";
import { FormDialog } from "../components/dialog";
import { NameField } from "../components/field";
import { Ago, Badge, Empty, Loading, Page, Who } from "../components/layout";
import { Table, type Column } from "../components/table";
import { navigate } from "../router";
import { blueprints } from "../state/things";
import { text } from "../strings";

function CreateDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  async function submit(): Promise<void> {
    const blueprint = await api.blueprints.add({
      name: name.trim(),
      arguments: [],
      config: "",
      overlays: [],
      limits: { memory_bytes: null, cpu_percent: null, tasks: null },
      shared: false,
    });
    blueprints.put(blueprint);
    await navigate(`/blueprints/${blueprint.id}`);
  }
  return (
    <FormDialog
      name="blueprint-new"
      title={text.blueprints.createTitle}
      action={text.common.create}
      onSubmit={submit}
      onClose={onClose}
    >
      <NameField hint={text.blueprints.nameHint} value={name} onInput={setName} autofocus />
    </FormDialog>
  );
}

const columns = (): Column<Blueprint>[] => [
  {
    key: "name",
    head: text.common.name,
    isName: true,
    cell: (blueprint) => (
      <span class="badges">
        <a href={`/blueprints/${blueprint.id}`}>{blueprint.name}</a>
        {blueprint.shared && <Badge tone="calm">{text.common.shared}</Badge>}
      </span>
    ),
  },
  {
    key: "overlays",
    head: text.nav.overlays,
    isMinor: true,
    cell: (blueprint) =>
      blueprint.overlays.map((overlay) => overlay.name).join(" · ") || text.common.none,
  },
  {
    key: "servers",
    head: text.nav.servers,
    isNumber: true,
    cell: (blueprint) => blueprint.n_servers,
  },
  {
    key: "owner",
    head: text.common.owner,
    cell: (blueprint) => <Who name={blueprint.owner.name} />,
  },
  {
    key: "changed",
    head: text.blueprints.changed,
    isMinor: true,
    cell: (blueprint) => <Ago at={blueprint.changed} />,
  },
];

export function BlueprintsPage() {
  const [isCreating, setCreating] = useState(false);
  useEffect(() => blueprints.ensure(), []);
  const list = blueprints.list.value;
  const create = (
    <Button kind="primary" icon="add" onClick={() => setCreating(true)}>
      {text.blueprints.new}
    </Button>
  );
  return (
    <Page title={text.blueprints.title} actions={list.length > 0 && create}>
      {!blueprints.isReady.value ? (
        <Loading error={blueprints.error.value} onRetry={() => void blueprints.reload()} />
      ) : list.length === 0 ? (
        <Empty title={text.blueprints.emptyTitle} action={create}>
          {text.blueprints.empty}
        </Empty>
      ) : (
        <Table
          label={text.blueprints.title}
          columns={columns()}
          rows={list}
          id={(blueprint) => blueprint.id}
        />
      )}
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
    </Page>
  );
}
