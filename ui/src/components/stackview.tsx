// SPDX-License-Identifier: MIT

// stackview: what layers show together, or one of them alone, and what cannot work in it.

import { useEffect } from "preact/hooks";
import type { Addon, Campaign, Conflict, Finding, HostStack, LayerRef } from "../api/types";
import { bytes } from "../format";
import { sentence } from "../sentence";
import { overlays } from "../state/things";
import { text } from "../strings";
import { Badge, Section, type Tone } from "./layout";
import { Table, type Column } from "./table";

/** The host numbers overlays; people know them by their names. */
export function Layer({ layer }: { layer: LayerRef }) {
  useEffect(() => overlays.ensure(), []);
  if (layer.overlay === null) return <>{layer.layer}</>;
  const href = layer.overlay === 1 ? "/game" : `/overlays/${layer.overlay}`;
  const name = overlays.find(layer.overlay)?.name;
  return (
    <a href={href} title={layer.layer}>
      {name ? layer.layer.replace(`overlay ${layer.overlay}`, () => name) : layer.layer}
    </a>
  );
}

const SEVERITIES: Record<string, Tone> = { error: "bad", warning: "warn", note: "calm" };

const findingColumns = (): Column<Finding>[] => [
  {
    key: "message",
    head: text.stack.findings,
    isName: true,
    cell: (row) => (
      <>
        {sentence(row.message)}
        <span class="sub">{sentence(row.remedy)}</span>
      </>
    ),
  },
  {
    key: "severity",
    head: text.common.state,
    cell: (row) => (
      <Badge tone={SEVERITIES[row.severity] ?? "calm"}>
        {text.stack.severity[row.severity] ?? row.severity}
      </Badge>
    ),
  },
  {
    key: "path",
    head: text.upper.path,
    cell: (row) => <code>{row.path + (row.line === null ? "" : `:${row.line}`)}</code>,
  },
  { key: "layer", head: text.stack.layer, cell: (row) => <Layer layer={row} /> },
];

const ADDON_TONES: Record<Addon["state"], Tone> = {
  loaded: "good",
  possible: "warn",
  off: "calm",
  broken: "bad",
};

const addonColumns = (): Column<Addon>[] => [
  {
    key: "name",
    head: text.common.name,
    isName: true,
    cell: (row) => (
      <>
        {row.title || row.name}
        {row.title && <span class="sub">{row.name}</span>}
      </>
    ),
  },
  {
    key: "state",
    head: text.common.state,
    cell: (row) => (
      <Badge tone={ADDON_TONES[row.state] ?? "calm"}>
        {text.stack.addonStates[row.state] ?? row.state}
      </Badge>
    ),
  },
  {
    key: "maps",
    head: text.stack.maps,
    isNumber: true,
    isMinor: true,
    cell: (row) => row.maps,
  },
  { key: "layer", head: text.stack.layer, cell: (row) => <Layer layer={row} /> },
];

const campaignColumns = (): Column<Campaign>[] => [
  { key: "name", head: text.common.name, isName: true, cell: (row) => row.title || row.name },
  {
    key: "maps",
    head: text.stack.maps,
    isNumber: true,
    cell: (row) => (typeof row.maps === "number" ? row.maps : row.maps.length),
  },
  {
    key: "missing",
    head: text.common.state,
    cell: (row) => (
      <span class="badges">
        <Badge tone={row.loaded ? "good" : "warn"}>
          {row.loaded ? text.stack.addonStates.loaded : text.stack.notLoaded}
        </Badge>
        {row.missing_maps > 0 && (
          <Badge tone="bad">{text.stack.campaignMissing(row.missing_maps)}</Badge>
        )}
      </span>
    ),
  },
  { key: "layer", head: text.stack.layer, cell: (row) => <Layer layer={row} /> },
];

const conflictColumns = (): Column<Conflict>[] => [
  {
    key: "who",
    head: text.stack.addons,
    isName: true,
    cell: (row) => text.stack.conflict(row.winner, row.loser),
  },
  {
    key: "files",
    head: text.files.title,
    cell: (row) => text.stack.conflictFiles(row.files, row.example),
  },
];

const layerColumns = (): Column<LayerRef>[] => [
  { key: "layer", head: text.stack.layer, isName: true, cell: (row) => <Layer layer={row} /> },
  {
    key: "generation",
    head: text.stack.generation,
    isNumber: true,
    cell: (row) => row.generation ?? "",
  },
];

/** Findings, layers, add-ons and campaigns; of an overlay alone there are no layers to tell. */
export function StackView({ stack, hasLayers }: { stack: HostStack; hasLayers: boolean }) {
  const rank = ["error", "warning", "note"];
  const findings = [...stack.findings].sort(
    (a, b) => rank.indexOf(a.severity) - rank.indexOf(b.severity),
  );
  return (
    <>
      <Section title={text.stack.findings}>
        {findings.length > 0 ? (
          <Table
            label={text.stack.findings}
            columns={findingColumns()}
            rows={findings}
            id={(row) => `${row.code} ${row.layer} ${row.path} ${row.line ?? ""} ${row.message}`}
          />
        ) : (
          <p class="hint">{text.stack.findingsNone}</p>
        )}
      </Section>
      {hasLayers && (
        <Section title={text.stack.layers} hint={text.stack.layersHint}>
          <Table
            label={text.stack.layers}
            columns={layerColumns()}
            rows={stack.stack}
            id={(row) => stack.stack.indexOf(row)}
          />
        </Section>
      )}
      <Section title={text.stack.addons} hint={text.stack.addonsHint}>
        {stack.addons.length > 0 ? (
          <Table
            label={text.stack.addons}
            columns={addonColumns()}
            rows={stack.addons}
            id={(row) => `${row.layer} ${row.name}`}
          />
        ) : (
          <p class="hint">{text.stack.addonsNone}</p>
        )}
      </Section>
      {stack.conflicts.length > 0 && (
        <Section title={text.stack.conflicts} hint={text.stack.conflictsHint}>
          <Table
            label={text.stack.conflicts}
            columns={conflictColumns()}
            rows={stack.conflicts}
            id={(row) => `${row.winner} ${row.loser}`}
          />
        </Section>
      )}
      {stack.campaigns.length > 0 && (
        <Section title={text.stack.campaigns}>
          <Table
            label={text.stack.campaigns}
            columns={campaignColumns()}
            rows={stack.campaigns}
            id={(row) => `${row.layer} ${row.addon ?? ""} ${row.name}`}
          />
        </Section>
      )}
      <p class="hint">{text.stack.summary(stack.files, bytes(stack.bytes))}</p>
      {stack.truncated && <p class="hint">{text.stack.truncated}</p>}
    </>
  );
}
