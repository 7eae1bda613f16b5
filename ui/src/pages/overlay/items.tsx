// SPDX-License-Identifier: MIT

// items: the list of a Workshop overlay, with what is known of each item on it.

import { useEffect, useState } from "preact/hooks";
import * as api from "../../api";
import type { Overlay, WorkshopItem } from "../../api/types";
import { ErrorLine } from "../../components/action";
import { Button } from "../../components/button";
import { Code } from "../../components/code";
import { Ago, Badge, Empty, Section } from "../../components/layout";
import { useLoad } from "../../components/load";
import { Table, type Column } from "../../components/table";
import { bytes } from "../../format";
import { sentence } from "../../sentence";
import { text } from "../../strings";
import { NewestBuild } from "./newest";
import { Source, type SourceControls } from "./source";
import { addTo, idsOf, pageOf, removeFrom } from "./workshop";

interface Row {
  id: string;
  item: WorkshopItem | null;
  /** it stands in the list itself, and not only in a collection of it */
  isListed: boolean;
}

function rowsOf(list: string, items: readonly WorkshopItem[]): Row[] {
  const ids = idsOf(list);
  const byId = new Map(items.map((item) => [String(item.item), item]));
  const rows: Row[] = ids.map((id) => ({ id, item: byId.get(id) ?? null, isListed: true }));
  for (const [id, item] of byId) if (!ids.includes(id)) rows.push({ id, item, isListed: false });
  return rows;
}

function State({ row }: { row: Row }) {
  const { item } = row;
  if (!item) return <Badge tone="calm">{text.workshop.unknown}</Badge>;
  return (
    <>
      {item.published ? (
        <Badge tone={item.error ? "warn" : "good"}>
          {item.error ? text.workshop.older : text.workshop.published}
        </Badge>
      ) : (
        <Badge tone={item.error ? "bad" : "calm"}>
          {item.error ? text.workshop.missing : text.workshop.notYet}
        </Badge>
      )}
      {item.error && <span class="sub">{sentence(item.error)}</span>}
    </>
  );
}

function contentsOf(item: WorkshopItem | null): string {
  if (!item) return "–";
  const parts = [];
  if (item.maps) parts.push(text.workshop.maps(item.maps));
  if (item.models) parts.push(text.workshop.models(item.models));
  if (item.scripts) parts.push(text.workshop.scripts(item.scripts));
  return parts.join(", ") || "–";
}

function Items({ controls, items }: { controls: SourceControls; items: readonly WorkshopItem[] }) {
  const rows = rowsOf(controls.value, items);
  const columns: Column<Row>[] = [
    {
      key: "title",
      head: text.workshop.item,
      isName: true,
      cell: (row) => (
        <>
          <a href={pageOf(row.id)} target="_blank" rel="noreferrer noopener">
            {row.item?.title || row.id}
          </a>
          <span class="sub">{row.item?.tags.join(", ") || row.id}</span>
        </>
      ),
    },
    { key: "state", head: text.common.state, cell: (row) => <State row={row} /> },
    {
      key: "contents",
      head: text.workshop.contents,
      isMinor: true,
      cell: (row) => contentsOf(row.item),
    },
    {
      key: "size",
      head: text.common.size,
      isNumber: true,
      cell: (row) => bytes(row.item?.published_size ?? row.item?.size),
    },
    {
      key: "updated",
      head: text.workshop.updated,
      isMinor: true,
      cell: (row) => <Ago at={row.item?.updated?.unix_s} />,
    },
    {
      key: "actions",
      head: text.common.actions,
      isActions: true,
      cell: (row) =>
        row.isListed ? (
          !controls.isReadOnly && (
            <Button
              small
              kind="quiet"
              icon="close"
              label={text.sort.remove(row.item?.title || row.id)}
              onClick={() => controls.onChange(removeFrom(controls.value, row.id))}
            />
          )
        ) : (
          <span class="sub">{text.workshop.byCollection}</span>
        ),
    },
  ];
  if (rows.length === 0)
    return <Empty title={text.workshop.empty}>{text.workshop.emptyHint}</Empty>;
  return <Table label={text.workshop.items} columns={columns} rows={rows} id={(row) => row.id} />;
}

function Add({ controls }: { controls: SourceControls }) {
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState<readonly string[]>([]);
  function add(): void {
    const result = addTo(controls.value, typed);
    if (result.added.length > 0) controls.onChange(result.list);
    setWrong(result.wrong);
    setTyped(result.wrong.join(" "));
  }
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        add();
      }}
    >
      <div class="add-row add-row-wide">
        <input
          class="input"
          aria-label={text.workshop.add}
          placeholder={text.workshop.addPlaceholder}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <Button icon="add" submit disabled={typed.trim() === ""}>
          {text.common.add}
        </Button>
      </div>
      {wrong.length > 0 && (
        <p class="field-error" role="alert">
          {text.workshop.wrong(wrong.join(" "))}
        </p>
      )}
    </form>
  );
}

export function ItemsTab({ overlay, onBuild }: { overlay: Overlay; onBuild: () => void }) {
  const generation = overlay.host?.current?.generation;
  const shown = useLoad(() => api.overlays.show(overlay.id), [overlay.id]);
  useEffect(() => {
    if (shown.data) shown.reload();
  }, [generation, overlay.changed]);
  return (
    <>
      <ErrorLine error={shown.error} />
      <Source overlay={overlay} label={text.workshop.items} onBuild={onBuild}>
        {(controls) => (
          <Section title={text.workshop.items} hint={text.workshop.hint}>
            {!controls.isReadOnly && <Add controls={controls} />}
            <Items controls={controls} items={shown.data?.items ?? []} />
            <details class="details">
              <summary>{text.workshop.asText}</summary>
              <Code
                label={text.workshop.asText}
                isLabelHidden
                language="text"
                hint={text.workshop.textHint}
                value={controls.value}
                readOnly={controls.isReadOnly}
                onChange={controls.onChange}
                onSave={controls.onSave}
              />
            </details>
          </Section>
        )}
      </Source>
      <NewestBuild overlay={overlay.id} />
    </>
  );
}
