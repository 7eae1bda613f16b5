// SPDX-License-Identifier: MIT

// preview: what the draft would make, and what it would change on which servers.

import { useEffect, useState } from "preact/hooks";
import * as api from "../../api";
import { asApiError, type ApiError } from "../../api";
import type { BlueprintPreview, Problem } from "../../api/types";
import { ErrorLine } from "../../components/action";
import { Icon } from "../../components/icon";
import { Loading, Section } from "../../components/layout";
import { pendingWords } from "../../components/serverstate";
import { joinWords } from "../../words";
import { sentence } from "../../sentence";
import { text } from "../../strings";
import { bodyOf, type Draft } from "./draft";

const QUIET_MS = 500; // without a key, until it is asked for

function Changes({ preview }: { preview: BlueprintPreview }) {
  const changed = preview.servers.filter((server) => server.changes.length > 0);
  if (changed.length === 0) return <p class="hint">{text.blueprint.previewNoChange}</p>;
  return (
    <ul class="plain-list">
      {changed.map((server) => (
        <li key={server.id}>
          <a href={`/servers/${server.id}`}>{server.name}</a>
          {": "}
          {pendingWords(server.changes)}
        </li>
      ))}
    </ul>
  );
}

function placeOf(problem: Problem, draft: Draft): string {
  const { field, index } = problem;
  if (field === "config" && index !== null) return text.blueprint.problemLine(index + 1);
  if (field === "arguments" && index !== null) return text.blueprint.problemArgument(index + 1);
  const overlay = field === "overlays" && index !== null ? draft.overlays[index] : undefined;
  return overlay ? `${overlay.name}:` : "";
}

function Problems({ problems, draft }: { problems: readonly Problem[]; draft: Draft }) {
  if (problems.length === 0) return null;
  return (
    <div>
      <h3>{text.blueprint.previewProblems}</h3>
      <ul class="problems">
        {problems.map((problem) => (
          <li key={`${problem.field} ${problem.index} ${problem.message}`}>
            <Icon name="warning" size={14} />
            <span>
              {placeOf(problem, draft)} {sentence(problem.message)}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Shown({ preview, draft }: { preview: BlueprintPreview; draft: Draft }) {
  return (
    <>
      <Problems problems={preview.problems} draft={draft} />
      <div>
        <h3>{text.blueprint.previewServers}</h3>
        <Changes preview={preview} />
      </div>
      {preview.server_cfg !== null && (
        <>
          <details class="details">
            <summary>{text.blueprint.previewArguments}</summary>
            <pre class="plain-text" tabIndex={0}>
              {joinWords(preview.arguments)}
            </pre>
          </details>
          <details class="details" open>
            <summary>{text.blueprint.previewConfig}</summary>
            <pre class="plain-text" tabIndex={0}>
              {preview.server_cfg}
            </pre>
          </details>
        </>
      )}
    </>
  );
}

export function Preview({ id, draft }: { id: number; draft: Draft }) {
  const [preview, setPreview] = useState<BlueprintPreview | null>(null);
  const [error, setError] = useState<ApiError | null>(null);

  useEffect(() => {
    let isOld = false;
    const timer = window.setTimeout(() => {
      api.blueprints.preview(id, bodyOf(draft)).then(
        (next) => {
          if (isOld) return;
          setPreview(next);
          setError(null);
        },
        (thrown: unknown) => {
          if (!isOld) setError(asApiError(thrown));
        },
      );
    }, QUIET_MS);
    return () => {
      isOld = true;
      window.clearTimeout(timer);
    };
  }, [id, draft]);

  return (
    <Section title={text.blueprint.preview} hint={text.blueprint.previewHint}>
      <ErrorLine error={error} />
      {preview ? <Shown preview={preview} draft={draft} /> : !error && <Loading />}
    </Section>
  );
}
