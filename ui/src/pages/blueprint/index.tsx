// SPDX-License-Identifier: MIT

// blueprint: the editor of one recipe.

import { useEffect, useState } from "preact/hooks";
import * as api from "../../api";
import { ApiError } from "../../api";
import type { Blueprint } from "../../api/types";
import { ErrorLine, useAction } from "../../components/action";
import { Button } from "../../components/button";
import { Code } from "../../components/code";
import { ConflictDialog } from "../../components/conflict";
import { Confirm, FormDialog } from "../../components/dialog";
import { CheckField, NameField, TextArea, TextField } from "../../components/field";
import { FailureProvider, useFailureOf } from "../../components/form";
import { LeaveGuard } from "../../components/leave";
import { Badge, Loading, Notice, Page, Section } from "../../components/layout";
import { useLoad } from "../../components/load";
import { Menu } from "../../components/menu";
import { OwnerSection } from "../../components/owner";
import { SaveBar } from "../../components/savebar";
import { isChanged, merge, type Merged } from "../../merge";
import { navigate } from "../../router";
import { blueprints, overlays, servers } from "../../state/things";
import { say } from "../../state/toasts";
import { text } from "../../strings";
import { NotFound } from "../notfound";
import { bodyOf, describe, draftOf, type Draft } from "./draft";
import { OverlayList } from "./overlays";
import { Preview } from "./preview";

function mayEdit(blueprint: Blueprint): boolean {
  return blueprint.may.includes("manage");
}

interface FieldsProps {
  draft: Draft;
  isReadOnly: boolean;
  onChange: (change: Partial<Draft>) => void;
  onSave: () => void;
}

function Limits({ draft, onChange, isReadOnly }: FieldsProps) {
  return (
    <div class="form-row">
      <TextField
        name="limits"
        label={text.blueprint.memory}
        hint={text.blueprint.memoryHint}
        value={draft.memory}
        onInput={(memory) => onChange({ memory })}
        inputMode="numeric"
        readOnly={isReadOnly}
      />
      <TextField
        label={text.blueprint.cpu}
        hint={text.blueprint.cpuHint}
        value={draft.cpu}
        onInput={(cpu) => onChange({ cpu })}
        inputMode="numeric"
        readOnly={isReadOnly}
      />
      <TextField
        label={text.blueprint.tasks}
        hint={text.blueprint.tasksHint}
        value={draft.tasks}
        onInput={(tasks) => onChange({ tasks })}
        inputMode="numeric"
        readOnly={isReadOnly}
      />
    </div>
  );
}

function Fields(props: FieldsProps) {
  const { draft, isReadOnly, onChange, onSave } = props;
  const overlaysFailure = useFailureOf("overlays");
  return (
    <div class="form">
      <NameField value={draft.name} onInput={(name) => onChange({ name })} readOnly={isReadOnly} />
      <Section title={text.blueprint.overlays} hint={text.blueprint.overlaysHint}>
        <OverlayList
          rows={draft.overlays}
          isReadOnly={isReadOnly}
          onChange={(rows) => onChange({ overlays: rows })}
        />
        <div data-field="overlays">
          <ErrorLine error={overlaysFailure} />
        </div>
      </Section>
      <Section title={text.blueprint.start}>
        <TextArea
          name="arguments"
          label={text.blueprint.arguments}
          hint={text.blueprint.argumentsHint}
          rows={2}
          value={draft.arguments}
          onInput={(words) => onChange({ arguments: words })}
          readOnly={isReadOnly}
          placeholder="+map c2m1_highway +mp_gamemode versus"
        />
        <Code
          name="config"
          label={text.blueprint.config}
          hint={text.blueprint.configHint}
          language="cfg"
          value={draft.config}
          onChange={(config) => onChange({ config })}
          onSave={onSave}
          readOnly={isReadOnly}
        />
        <Limits {...props} />
        <CheckField
          label={text.blueprint.shared}
          hint={text.blueprint.sharedHint}
          checked={draft.shared}
          disabled={isReadOnly}
          onChange={(shared) => onChange({ shared })}
        />
      </Section>
    </div>
  );
}

function CopyDialog({ blueprint, onClose }: { blueprint: Blueprint; onClose: () => void }) {
  const [name, setName] = useState(text.common.copyOf(blueprint.name).slice(0, 64));
  async function submit(): Promise<void> {
    const copy = await api.blueprints.copy(blueprint.id, name.trim());
    blueprints.put(copy);
    await navigate(`/blueprints/${copy.id}`);
  }
  return (
    <FormDialog
      name="blueprint-copy"
      title={text.blueprint.copyTitle}
      action={text.common.copy}
      onSubmit={submit}
      onClose={onClose}
    >
      <NameField value={name} onInput={setName} autofocus />
    </FormDialog>
  );
}

function More({ blueprint, isEditable }: { blueprint: Blueprint; isEditable: boolean }) {
  const [asked, setAsked] = useState<"copy" | "delete" | null>(null);
  async function del(): Promise<void> {
    await api.blueprints.del(blueprint.id);
    await navigate("/blueprints", { replace: true });
    blueprints.drop(blueprint.id);
    say(text.blueprint.deleted(blueprint.name));
  }
  return (
    <>
      <Menu
        label={text.common.more}
        items={[
          { label: text.blueprint.copy, icon: "copy", onSelect: () => setAsked("copy") },
          isEditable
            ? {
                label: text.common.delete,
                icon: "trash",
                kind: "danger",
                onSelect: () => setAsked("delete"),
              }
            : null,
        ]}
      />
      {asked === "copy" && <CopyDialog blueprint={blueprint} onClose={() => setAsked(null)} />}
      {asked === "delete" && (
        <Confirm
          name="blueprint-delete"
          title={text.blueprint.deleteTitle(blueprint.name)}
          action={text.common.delete}
          onConfirm={del}
          onClose={() => setAsked(null)}
        >
          <p>{text.blueprint.deleteText}</p>
        </Confirm>
      )}
    </>
  );
}

interface Conflict {
  theirs: Blueprint;
  merged: Merged<Draft>;
}

function Editor({ saved }: { saved: Blueprint }) {
  const [base, setBase] = useState(saved);
  const [draft, setDraft] = useState(() => draftOf(saved));
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const isEditable = mayEdit(base);
  const isDirty = isChanged(draftOf(base), draft);
  const isBehind = saved.revision > base.revision;

  // Somebody else has saved it: who has changed nothing sees the new one.
  useEffect(() => {
    if (isBehind && !isDirty) adopt(saved);
  }, [saved, isDirty]);

  function adopt(blueprint: Blueprint): void {
    setBase(blueprint);
    setDraft(draftOf(blueprint));
  }

  async function write(body: Draft, revision: number): Promise<void> {
    const next = await api.blueprints.change(base.id, bodyOf(body), revision);
    blueprints.put(next);
    adopt(next);
  }

  async function compare(): Promise<void> {
    const theirs = await api.blueprints.one(base.id);
    setConflict({ theirs, merged: merge(draftOf(base), draft, draftOf(theirs)) });
  }

  const save = useAction(async () => {
    try {
      await write(draft, base.revision);
      return text.common.saved;
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || !thrown.isConflict) throw thrown;
      await compare();
      return null;
    }
  });

  const look = useAction(compare);

  const resolve = useAction(async (theirs: ReadonlySet<string>) => {
    if (!conflict) return null;
    const wanted: Draft = { ...conflict.merged.value };
    const their = draftOf(conflict.theirs);
    for (const key of conflict.merged.conflicts)
      if (theirs.has(key)) Object.assign(wanted, { [key]: their[key] });
    setConflict(null);
    setBase(conflict.theirs);
    setDraft(wanted);
    await write(wanted, conflict.theirs.revision);
    return text.common.saved;
  });

  const error = save.error ?? resolve.error ?? look.error;
  const onSave = (): void => {
    if (isDirty) void save.run();
  };
  return (
    <Page
      title={base.name}
      parent={{ href: "/blueprints", label: text.blueprints.title }}
      aside={
        <span class="badges">
          {base.shared && <Badge tone="calm">{text.common.shared}</Badge>}
          <span class="sub">{text.blueprint.nServers(base.n_servers)}</span>
        </span>
      }
      actions={<More blueprint={base} isEditable={isEditable} />}
    >
      {!isEditable && <Notice kind="info">{text.blueprint.readOnly(base.owner.name)}</Notice>}
      {isBehind && isDirty && (
        <Notice
          kind="warning"
          actions={
            <Button small busy={look.isBusy} onClick={() => void look.run()}>
              {text.conflict.compare}
            </Button>
          }
        >
          {text.conflict.meanwhile}
        </Notice>
      )}
      <FailureProvider value={error}>
        <Fields
          draft={draft}
          isReadOnly={!isEditable}
          onChange={(change) => setDraft((old) => ({ ...old, ...change }))}
          onSave={onSave}
        />
      </FailureProvider>
      <Preview id={base.id} draft={draft} />
      <OwnerSection kind="blueprint" thing={saved} />
      {isEditable && (
        <SaveBar
          isDirty={isDirty}
          isBusy={save.isBusy || resolve.isBusy}
          error={error}
          onSave={onSave}
          onDiscard={() => adopt(saved)}
        />
      )}
      <LeaveGuard isDirty={isDirty} />
      {conflict && (
        <ConflictDialog
          fields={conflict.merged.conflicts.map((key) => ({
            key,
            label: describe(draft, key).label,
            mine: describe(draft, key).words,
            theirs: describe(draftOf(conflict.theirs), key).words,
          }))}
          taken={conflict.merged.taken.map((key) => describe(draft, key).label)}
          onResolve={(theirs) => void resolve.run(theirs)}
          onClose={() => setConflict(null)}
        />
      )}
    </Page>
  );
}

export function BlueprintPage({ id }: { id: number }) {
  useEffect(() => {
    blueprints.ensure();
    overlays.ensure();
    servers.ensure();
  }, []);
  const loaded = useLoad(async () => {
    const blueprint = await api.blueprints.one(id);
    blueprints.put(blueprint);
    return blueprint;
  }, [id]);
  const blueprint = blueprints.find(id);
  if (blueprint) return <Editor saved={blueprint} />;
  if (loaded.error?.kind === "not-found" || (loaded.data && blueprints.isReady.value))
    return <NotFound />;
  return <Loading error={loaded.error} onRetry={loaded.reload} />;
}
