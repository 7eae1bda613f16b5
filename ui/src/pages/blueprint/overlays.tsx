// SPDX-License-Identifier: MIT

import { useState } from "preact/hooks";
import type { BlueprintOverlay } from "../../api/types";
import { Button } from "../../components/button";
import { CheckField } from "../../components/field";
import { Badge } from "../../components/layout";
import { SortList } from "../../components/sortlist";
import { overlays } from "../../state/things";
import { text } from "../../strings";

export interface OverlayListProps {
  rows: readonly BlueprintOverlay[];
  isReadOnly: boolean;
  onChange: (rows: BlueprintOverlay[]) => void;
}

function AddRow({ rows, onChange }: OverlayListProps) {
  const [chosen, setChosen] = useState("");
  const free = overlays.list.value.filter(
    (overlay) =>
      overlay.type !== "game" &&
      overlay.server === null &&
      !rows.some((row) => row.id === overlay.id),
  );
  const isThere = free.some((overlay) => String(overlay.id) === chosen);
  if (free.length === 0)
    return (
      <p class="hint">
        {text.blueprint.noMoreOverlays} <a href="/overlays">{text.blueprint.toOverlays}</a>
      </p>
    );

  function add(): void {
    const overlay = free.find((one) => String(one.id) === chosen);
    if (!overlay) return;
    const { id, name, type } = overlay;
    onChange([{ id, name, type, expose_server_cfg: false }, ...rows]);
    setChosen("");
  }

  return (
    <div class="add-row">
      <select
        class="input"
        aria-label={text.blueprint.addOverlay}
        value={isThere ? chosen : ""}
        onChange={(event) => setChosen(event.currentTarget.value)}
      >
        <option value="">{text.blueprint.chooseOverlay}</option>
        {free.map((overlay) => (
          <option key={overlay.id} value={String(overlay.id)}>
            {`${overlay.name} (${text.overlays.types[overlay.type]})`}
          </option>
        ))}
      </select>
      <Button icon="add" disabled={!isThere} onClick={add}>
        {text.common.add}
      </Button>
    </div>
  );
}

export function OverlayList(props: OverlayListProps) {
  const { rows, isReadOnly, onChange } = props;
  return (
    <>
      {rows.length === 0 && <p class="hint">{text.blueprint.noOverlays}</p>}
      <SortList
        label={text.blueprint.overlays}
        rows={rows}
        id={(row) => row.id}
        name={(row) => row.name}
        disabled={isReadOnly}
        onChange={onChange}
        onRemove={(row) => onChange(rows.filter((other) => other !== row))}
        row={(row) => (
          <div class="overlay-row">
            <span class="badges">
              <a href={`/overlays/${row.id}`}>{row.name}</a>
              <Badge tone="calm">{text.overlays.types[row.type]}</Badge>
            </span>
            <CheckField
              label={text.blueprint.expose}
              checked={row.expose_server_cfg}
              disabled={isReadOnly}
              onChange={(expose_server_cfg) =>
                onChange(
                  rows.map((other) => (other === row ? { ...row, expose_server_cfg } : other)),
                )
              }
            />
          </div>
        )}
      />
      {!isReadOnly && <AddRow {...props} />}
    </>
  );
}
