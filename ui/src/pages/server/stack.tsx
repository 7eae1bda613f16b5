// SPDX-License-Identifier: MIT

// stack: what all layers of a server show together, and where a file comes from.

import { useState } from "preact/hooks";
import * as api from "../../api";
import type { PathAnswer, Server } from "../../api/types";
import { useAction } from "../../components/action";
import { Button } from "../../components/button";
import { TextField } from "../../components/field";
import { Form } from "../../components/form";
import { Badge, Empty, Loading, Section } from "../../components/layout";
import { useLoad } from "../../components/load";
import { Layer, StackView } from "../../components/stackview";
import { Table, type Column } from "../../components/table";
import { bytes } from "../../format";
import { text } from "../../strings";

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
      <Form action={explain} isIdle={path.trim() === ""} inline>
        <TextField
          name="path"
          label={text.stack.explainPath}
          value={path}
          onInput={setPath}
          placeholder="left4dead2/cfg/server.cfg"
          mono
        />
        <Button submit busy={explain.isBusy} disabled={path.trim() === ""}>
          {text.stack.explainRun}
        </Button>
      </Form>
      {answer && <PathResult answer={answer} />}
    </Section>
  );
}

export function StackTab({ server }: { server: Server }) {
  const stack = useLoad(() => api.servers.stack(server.id), [server.id, server.state]);
  // One that the host does not know yet.
  if (!stack.data && stack.error?.status === 404)
    return <Empty title={text.server.neverStarted}>{text.server.neverStartedHint}</Empty>;
  return (
    <>
      <ExplainPath server={server} />
      {stack.data ? (
        <StackView stack={stack.data} hasLayers />
      ) : (
        <Loading error={stack.error} onRetry={stack.reload} />
      )}
    </>
  );
}
