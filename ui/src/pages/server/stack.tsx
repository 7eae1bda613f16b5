// SPDX-License-Identifier: MIT

// stack: what all layers of a server show together, what cannot work in them, and where a file
// comes from.

import { useState } from "preact/hooks";
import * as api from "../../api";
import type {
  Addon,
  Campaign,
  Conflict,
  Finding,
  HostStack,
  LayerRef,
  PathAnswer,
  Server,
} from "../../api/types";
import { ErrorLine, sentence, useAction } from "../../components/action";
import { Button } from "../../components/button";
import { TextField } from "../../components/field";
import { Badge, Loading, Section, type Tone } from "../../components/layout";
import { useLoad } from "../../components/load";
import { Table, type Column } from "../../components/table";
import { bytes, number } from "../../format";
import { text } from "../../strings";

function Layer({ layer }: { layer: LayerRef }) {
  if (layer.overlay === null) return <>{layer.layer}</>;
  const href = layer.overlay === 1 ? "/game" : `/overlays/${layer.overlay}`;
  return <a href={href}>{layer.layer}</a>;
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

function PathResult({ answer }: { answer: PathAnswer }) {
  const columns: Column<PathAnswer["layers"][number]>[] = [
    { key: "layer", head: text.stack.layer, isName: true, cell: (row) => <Layer layer={row} /> },
    {
      key: "role",
      head: text.common.state,
      cell: (row) => (
        <Badge tone={row.role === "shown" ? "good" : "calm"}>
          {text.stack.roles[row.role] ?? row.role}
        </Badge>
      ),
    },
    { key: "size", head: text.common.size, isNumber: true, cell: (row) => bytes(row.size) },
  ];
  const sources: Column<PathAnswer["sources"][number]>[] = [
    { key: "file", head: text.files.title, isName: true, cell: (row) => <code>{row.file}</code> },
    {
      key: "use",
      head: text.common.state,
      cell: (row) => (
        <Badge tone={row.use === "used" ? "good" : "calm"}>
          {text.stack.roles[row.use] ?? row.use}
        </Badge>
      ),
    },
    { key: "layer", head: text.stack.layer, cell: (row) => <Layer layer={row} /> },
  ];
  const certainty = (text.stack.certainty as Record<string, string>)[answer.certainty];
  return (
    <div class="form" role="status">
      {answer.layers.length > 0 ? (
        <Table
          label={answer.path}
          columns={columns}
          rows={answer.layers}
          id={(row) => answer.layers.indexOf(row)}
        />
      ) : (
        answer.sources.length === 0 && <p>{text.stack.explainNone}</p>
      )}
      {answer.sources.length > 0 && (
        <>
          <p>
            {text.stack.explainGame(answer.game_path ?? answer.path)} {certainty}
          </p>
          <Table
            label={text.stack.explain}
            columns={sources}
            rows={answer.sources}
            id={(row) => answer.sources.indexOf(row)}
          />
        </>
      )}
    </div>
  );
}

function ExplainPath({ server }: { server: Server }) {
  const [path, setPath] = useState("");
  const [answer, setAnswer] = useState<PathAnswer | null>(null);
  const explain = useAction(async () => {
    setAnswer(await api.servers.explain(server.id, path.trim()));
  });
  return (
    <Section title={text.stack.explain} hint={text.stack.explainHint}>
      <form
        class="form form-inline"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void explain.run();
        }}
      >
        <TextField
          name="path"
          label={text.stack.explainPath}
          value={path}
          onInput={setPath}
          error={explain.error}
          placeholder="left4dead2/cfg/server.cfg"
          mono
        />
        <Button submit busy={explain.isBusy} disabled={path.trim() === ""}>
          {text.stack.explainRun}
        </Button>
      </form>
      <ErrorLine error={explain.error?.field ? null : explain.error} />
      {answer && <PathResult answer={answer} />}
    </Section>
  );
}

function Shown({ stack }: { stack: HostStack }) {
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
      <Section title={text.stack.layers} hint={text.stack.layersHint}>
        <Table
          label={text.stack.layers}
          columns={layerColumns()}
          rows={stack.stack}
          id={(row) => stack.stack.indexOf(row)}
        />
        <p class="hint">{text.stack.summary(number(stack.files), bytes(stack.bytes))}</p>
      </Section>
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
      {stack.truncated && <p class="hint">{text.stack.truncated}</p>}
    </>
  );
}

export function StackTab({ server }: { server: Server }) {
  const stack = useLoad(() => api.servers.stack(server.id), [server.id]);
  return (
    <>
      <ExplainPath server={server} />
      {stack.data ? (
        <Shown stack={stack.data} />
      ) : (
        <Loading error={stack.error} onRetry={stack.reload} />
      )}
    </>
  );
}
