// SPDX-License-Identifier: MIT

// generations: the published states of an overlay: which one servers take, and what differs between
// two.

import { useEffect, useState } from "preact/hooks";
import * as api from "../../api";
import type { Diff, DiffChange, Generation, HostOverlayShow, Overlay } from "../../api/types";
import { ErrorLine, useJobAction } from "../../components/action";
import { Button } from "../../components/button";
import { FormDialog } from "../../components/dialog";
import { SelectField } from "../../components/field";
import { Ago, Badge, Empty, Loading, Section, type Tone } from "../../components/layout";
import { useLoad } from "../../components/load";
import { isUp, mayOperate } from "../../components/serverstate";
import { Table, type Column } from "../../components/table";
import { bytes, number } from "../../format";
import { finished } from "../../state/jobs";
import { blueprints, servers } from "../../state/things";
import { text } from "../../strings";

const TONES: Record<string, Tone> = {
  added: "good",
  removed: "bad",
  changed: "busy",
  rewritten: "calm",
};

function diffColumns(): Column<DiffChange>[] {
  return [
    {
      key: "path",
      head: text.upper.path,
      isName: true,
      cell: (row) => <code>{row.path + (row.directory ? "/" : "")}</code>,
    },
    {
      key: "change",
      head: text.upper.change,
      cell: (row) => (
        <Badge tone={TONES[row.change] ?? "calm"}>
          {text.generations.changes[row.change] ?? row.change}
        </Badge>
      ),
    },
    {
      key: "size",
      head: text.common.size,
      isNumber: true,
      cell: (row) => (row.directory ? "" : sizesOf(row)),
    },
  ];
}

function sizesOf(row: DiffChange): string {
  if (row.change === "added") return bytes(row.size);
  if (row.change === "removed") return bytes(row.size_before);
  return text.upper.sizes(bytes(row.size_before), bytes(row.size));
}

function DiffView({ overlay, from, to }: { overlay: number; from: number; to: number }) {
  const diff = useLoad<Diff>(() => api.overlays.diff(overlay, from, to), [overlay, from, to]);
  if (!diff.data) return <Loading error={diff.error} onRetry={diff.reload} />;
  if (diff.data.changes.length === 0) return <p class="hint">{text.generations.noDiff}</p>;
  return (
    <Table
      label={text.generations.compare}
      columns={diffColumns()}
      rows={diff.data.changes}
      id={(row) => row.path}
    />
  );
}

function Compare({ overlay, rows }: { overlay: number; rows: readonly Generation[] }) {
  const [from, setFrom] = useState<string | null>(null);
  const [to, setTo] = useState<string | null>(null);
  const chosenTo = Number(to ?? rows[0]?.generation);
  const chosenFrom = Number(from ?? rows[1]?.generation);
  const options = rows.map((row) => ({
    value: String(row.generation),
    label: text.generations.generation(row.generation),
  }));
  return (
    <Section title={text.generations.compare}>
      <div class="form-row form-row-narrow">
        <SelectField
          label={text.generations.from}
          value={String(chosenFrom)}
          options={options}
          onChange={setFrom}
        />
        <SelectField
          label={text.generations.to}
          value={String(chosenTo)}
          options={options}
          onChange={setTo}
        />
      </div>
      {chosenFrom === chosenTo ? (
        <p class="hint">{text.generations.same}</p>
      ) : (
        <DiffView overlay={overlay} from={chosenFrom} to={chosenTo} />
      )}
    </Section>
  );
}

/** A canary: one server takes another generation than all others do. */
function TryOutDialog(props: { overlay: Overlay; generation: number; onClose: () => void }) {
  const { overlay, generation } = props;
  const [chosen, setChosen] = useState("");
  useEffect(() => {
    servers.ensure();
    blueprints.ensure();
  }, []);
  const list = servers.list.value.filter(
    (server) =>
      mayOperate(server) &&
      (overlay.type === "game" ||
        server.overlay === overlay.id ||
        blueprints.find(server.blueprint.id)?.overlays.some((row) => row.id === overlay.id)),
  );
  async function submit(): Promise<string> {
    const server = list.find((one) => String(one.id) === chosen) ?? list[0];
    if (!server) throw new Error(text.generations.noServer);
    const verb = isUp(server) ? "restart" : "start";
    await finished(await api.servers.tryOut(server.id, verb, overlay.id, generation));
    return text.generations.tried(server.name, generation);
  }
  return (
    <FormDialog
      name="overlay-try"
      title={text.generations.tryTitle(generation)}
      action={text.generations.tryRun}
      onSubmit={submit}
      onClose={props.onClose}
    >
      <p>{text.generations.tryText}</p>
      {list.length > 0 ? (
        <SelectField
          name="with"
          label={text.generations.tryServer}
          value={chosen || String(list[0]?.id)}
          onChange={setChosen}
          options={list.map((server) => ({
            value: String(server.id),
            label: `${server.name} (${text.states[server.state]})`,
          }))}
        />
      ) : (
        <p class="hint">{text.generations.noServer}</p>
      )}
    </FormDialog>
  );
}

function List({ overlay, shown }: { overlay: Overlay; shown: HostOverlayShow }) {
  const current = shown.current?.generation ?? null;
  const select = useJobAction(
    (generation: number) => api.overlays.select(overlay.id, generation),
    (job) => text.generations.selected(Number(job.parameters["generation"])),
  );
  const [asked, setAsked] = useState<number | null>(null);
  const [tried, setTried] = useState<number | null>(null);
  const columns: Column<Generation>[] = [
    {
      key: "generation",
      head: text.stack.generation,
      isName: true,
      cell: (row) => (
        <span class="badges">
          {row.generation}
          {row.generation === current && <Badge tone="good">{text.generations.current}</Badge>}
          {row.note && <span class="sub">{row.note}</span>}
        </span>
      ),
    },
    {
      key: "created",
      head: text.overlays.published,
      cell: (row) => <Ago at={row.created?.unix_s} />,
    },
    {
      key: "files",
      head: text.generations.files,
      isNumber: true,
      isMinor: true,
      cell: (row) => number(row.files),
    },
    { key: "size", head: text.common.size, isNumber: true, cell: (row) => bytes(row.bytes) },
    {
      key: "changes",
      head: text.generations.changed,
      isMinor: true,
      cell: (row) => text.generations.summary(row.added ?? 0, row.changed ?? 0, row.removed ?? 0),
    },
    {
      key: "actions",
      head: text.common.actions,
      isActions: true,
      cell: (row) =>
        row.generation !== current && (
          <span class="row-actions">
            <Button small onClick={() => setTried(row.generation)}>
              {text.generations.tryOut}
            </Button>
            {overlay.may.includes("operate") && (
              <Button
                small
                busy={select.isBusy && asked === row.generation}
                disabled={select.isBusy && asked !== row.generation}
                onClick={() => {
                  setAsked(row.generation);
                  void select.run(row.generation);
                }}
              >
                {text.generations.select}
              </Button>
            )}
          </span>
        ),
    },
  ];
  return (
    <>
      <ErrorLine error={select.error} />
      <Table
        label={text.generations.title}
        columns={columns}
        rows={shown.generations}
        id={(row) => row.generation}
      />
      {tried !== null && (
        <TryOutDialog overlay={overlay} generation={tried} onClose={() => setTried(null)} />
      )}
    </>
  );
}

export function GenerationsTab({ overlay }: { overlay: Overlay }) {
  const shown = useLoad(() => api.overlays.show(overlay.id), [overlay.id]);
  const { host } = overlay;
  useEffect(() => {
    if (shown.data) shown.reload();
  }, [host?.current?.generation, host?.n_generations, overlay.changed]);
  if (!shown.data) return <Loading error={shown.error} onRetry={shown.reload} />;
  const rows = shown.data.generations;
  if (rows.length === 0)
    return <Empty title={text.generations.empty}>{text.generations.emptyHint}</Empty>;
  return (
    <>
      <Section title={text.generations.title} hint={text.generations.hint}>
        <List overlay={overlay} shown={shown.data} />
      </Section>
      {rows.length > 1 && <Compare overlay={overlay.id} rows={rows} />}
    </>
  );
}
