// SPDX-License-Identifier: MIT

// overlays: all that can be laid over the game, and making one.

import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import type { Overlay, OverlayType } from "../api/types";
import { Button } from "../components/button";
import { FormDialog } from "../components/dialog";
import { NameField, RadioGroup } from "../components/field";
import { Ago, Badge, Empty, Loading, Page, Who } from "../components/layout";
import { Table, type Column } from "../components/table";
import { bytes } from "../format";
import { navigate } from "../router";
import { finished } from "../state/jobs";
import { overlays } from "../state/things";
import { text } from "../strings";

type Makeable = Exclude<OverlayType, "game">;
const TYPES: readonly Makeable[] = ["workshop", "script", "files"];

function CreateDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [type, setType] = useState<Makeable>("workshop");
  async function submit(): Promise<void> {
    const job = await finished(await api.overlays.add({ name: name.trim(), type }));
    const id = Number(job.result["overlay"]);
    overlays.put(await api.overlays.one(id));
    await navigate(`/overlays/${id}`);
  }
  return (
    <FormDialog
      name="overlay-new"
      title={text.overlays.createTitle}
      action={text.common.create}
      onSubmit={submit}
      onClose={onClose}
    >
      <NameField hint={text.overlays.nameHint} value={name} onInput={setName} autofocus />
      <RadioGroup
        legend={text.overlays.type}
        value={type}
        onChange={setType}
        options={TYPES.map((value) => ({
          value,
          label: text.overlays.typeNames[value],
          hint: text.overlays.typeHints[value],
        }))}
      />
    </FormDialog>
  );
}

const columns = (): Column<Overlay>[] => [
  {
    key: "name",
    head: text.common.name,
    isName: true,
    cell: (overlay) => (
      <span class="badges">
        <a href={overlay.type === "game" ? "/game" : `/overlays/${overlay.id}`}>{overlay.name}</a>
        {overlay.shared && <Badge tone="calm">{text.common.shared}</Badge>}
      </span>
    ),
  },
  {
    key: "type",
    head: text.overlays.type,
    cell: (overlay) => text.overlays.types[overlay.type],
  },
  {
    key: "current",
    head: text.overlays.published,
    cell: (overlay) =>
      overlay.host?.current ? (
        <Ago at={overlay.host.current.created?.unix_s} />
      ) : (
        <Badge tone="warn">{text.overlays.notBuilt}</Badge>
      ),
  },
  {
    key: "size",
    head: text.common.size,
    isNumber: true,
    isMinor: true,
    cell: (overlay) => bytes(overlay.host?.current?.bytes),
  },
  {
    key: "refresh",
    head: text.overlays.refresh,
    isMinor: true,
    cell: (overlay) => text.overlays.refreshes[overlay.host?.refresh ?? "never"],
  },
  {
    key: "owner",
    head: text.common.owner,
    isMinor: true,
    cell: (overlay) => <Who name={overlay.owner?.name ?? text.overlays.machine} />,
  },
];

export function OverlaysPage() {
  const [isCreating, setCreating] = useState(false);
  useEffect(() => overlays.ensure(), []);
  const list = overlays.list.value.filter((overlay) => overlay.server === null);
  const isEmpty = list.every((overlay) => overlay.type === "game");
  const create = (
    <Button kind="primary" icon="add" onClick={() => setCreating(true)}>
      {text.overlays.new}
    </Button>
  );
  return (
    <Page title={text.overlays.title} actions={!isEmpty && create}>
      {!overlays.isReady.value ? (
        <Loading error={overlays.error.value} onRetry={() => void overlays.reload()} />
      ) : (
        <>
          {list.length > 0 && (
            <Table
              label={text.overlays.title}
              columns={columns()}
              rows={list}
              id={(overlay) => overlay.id}
            />
          )}
          {isEmpty && (
            <Empty title={text.overlays.emptyTitle} action={create}>
              {text.overlays.empty}
            </Empty>
          )}
        </>
      )}
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
    </Page>
  );
}
