// SPDX-License-Identifier: MIT

// settings: the name, blueprint and port of a server, who else may use it, and its RCON password.

import { useEffect, useState } from "preact/hooks";
import * as api from "../../api";
import { ApiError } from "../../api";
import type { Grant, GrantRow, Server } from "../../api/types";
import { ErrorLine, useAction } from "../../components/action";
import { Button } from "../../components/button";
import { CopyButton } from "../../components/copy";
import { Confirm, FormDialog } from "../../components/dialog";
import { CheckField, NameField, SelectField, TextField } from "../../components/field";
import { Form } from "../../components/form";
import { Loading, Notice, Section } from "../../components/layout";
import { useLoad } from "../../components/load";
import { OwnerSection } from "../../components/owner";
import { isChanged, merge } from "../../merge";
import { blueprints, servers } from "../../state/things";
import { say } from "../../state/toasts";
import { text } from "../../strings";
import { LeaveGuard } from "../../components/leave";

interface Draft {
  name: string;
  hostname: string;
  blueprint: string;
  port: string;
}

function draftOf(server: Server): Draft {
  return {
    name: server.name,
    hostname: server.hostname,
    blueprint: String(server.blueprint.id),
    port: String(server.ports.game),
  };
}

function General({ server }: { server: Server }) {
  const [base, setBase] = useState(server);
  const [draft, setDraft] = useState(() => draftOf(server));
  const [isMerged, setMerged] = useState(false);
  const isDirty = isChanged(draftOf(base), draft);
  useEffect(() => blueprints.ensure(), []);
  // What others save meanwhile is taken over where nothing was changed here.
  useEffect(() => {
    if (server.revision <= base.revision) return;
    const merged = merge(draftOf(base), draft, draftOf(server));
    setMerged(isDirty && merged.conflicts.length > 0);
    setBase(server);
    setDraft(merged.value);
  }, [server.revision]);

  const save = useAction(async () => {
    const before = draftOf(base);
    const change: Partial<api.servers.ServerDraft> = {
      ...(draft.name !== before.name ? { name: draft.name.trim() } : {}),
      ...(draft.hostname !== before.hostname ? { hostname: draft.hostname.trim() } : {}),
      ...(draft.blueprint !== before.blueprint ? { blueprint: Number(draft.blueprint) } : {}),
      ...(draft.port !== before.port ? { port: Number(draft.port) } : {}),
    };
    try {
      const next = await api.servers.change(base.id, change, base.revision);
      setBase(next);
      setDraft(draftOf(next));
      servers.put(next);
      return text.common.saved;
    } catch (thrown) {
      // The newer one comes as an event as well, and is merged above.
      if (thrown instanceof ApiError && thrown.isConflict)
        servers.put(await api.servers.one(base.id));
      throw thrown;
    }
  });
  const set = (change: Partial<Draft>): void => setDraft((old) => ({ ...old, ...change }));
  return (
    <Section title={text.serverSettings.general} hint={text.serverSettings.applyHint}>
      {isMerged && <Notice kind="warning">{text.serverSettings.changedElsewhere}</Notice>}
      <Form
        action={save}
        submit={text.common.save}
        isIdle={!isDirty}
        buttons={
          <Button disabled={!isDirty} onClick={() => setDraft(draftOf(base))}>
            {text.common.discard}
          </Button>
        }
      >
        <NameField
          hint={text.servers.createNameHint}
          value={draft.name}
          onInput={(name) => set({ name })}
        />
        <TextField
          name="hostname"
          label={text.servers.hostname}
          hint={text.servers.createHostnameHint}
          value={draft.hostname}
          onInput={(hostname) => set({ hostname })}
          maxLength={120}
        />
        <div class="form-row">
          <SelectField
            name="blueprint"
            label={text.servers.blueprint}
            value={draft.blueprint}
            onChange={(blueprint) => set({ blueprint })}
            options={
              blueprints.isReady.value
                ? blueprints.list.value.map((one) => ({ value: String(one.id), label: one.name }))
                : [{ value: draft.blueprint, label: server.blueprint.name }]
            }
          />
          <TextField
            name="port"
            label={text.servers.port}
            hint={text.serverSettings.portHint}
            value={draft.port}
            onInput={(port) => set({ port })}
            inputMode="numeric"
            maxLength={5}
          />
        </div>
      </Form>
      <LeaveGuard isDirty={isDirty} />
    </Section>
  );
}

// ---- who else ---------------------------------------------------------------------------------

const GRANTS: readonly Grant[] = ["view", "operate", "console", "files", "manage"];

function GrantFields(props: { may: readonly Grant[]; onChange: (may: Grant[]) => void }) {
  return (
    <div class="checks">
      {GRANTS.map((grant) => (
        <CheckField
          key={grant}
          label={text.serverSettings.may[grant]}
          // Whoever may do something may see it.
          checked={grant === "view" || props.may.includes(grant)}
          disabled={grant === "view"}
          onChange={(isOn) =>
            props.onChange(
              GRANTS.filter(
                (one) => one === "view" || (one === grant ? isOn : props.may.includes(one)),
              ),
            )
          }
        />
      ))}
    </div>
  );
}

function AddGrant(props: {
  onAdd: (name: string, may: Grant[]) => Promise<void>;
  onClose: () => void;
}) {
  const [name, setName] = useState("");
  const [may, setMay] = useState<Grant[]>(["view", "operate"]);
  return (
    <FormDialog
      name="server-access"
      title={text.serverSettings.accessAdd}
      action={text.common.add}
      onSubmit={() => props.onAdd(name.trim(), may)}
      onClose={props.onClose}
    >
      <TextField
        name="user"
        label={text.serverSettings.accessUser}
        hint={text.serverSettings.accessUserHint}
        value={name}
        onInput={setName}
        maxLength={64}
        autofocus
      />
      <GrantFields may={may} onChange={setMay} />
    </FormDialog>
  );
}

function Access({ server }: { server: Server }) {
  // Who has it now is granted nothing any more.
  const grants = useLoad(() => api.servers.grants(server.id), [server.id, server.owner.id]);
  const [isAdding, setAdding] = useState(false);
  const rows = grants.data ?? [];

  async function write(next: readonly api.servers.GrantDraft[]): Promise<void> {
    grants.set(await api.servers.setGrants(server.id, next));
  }
  const asDraft = (row: GrantRow): api.servers.GrantDraft => ({
    user: row.user.name,
    may: row.may,
  });
  const change = useAction(async (changed: GrantRow) => {
    await write(rows.map((row) => asDraft(row.user.id === changed.user.id ? changed : row)));
    return text.common.saved;
  });
  const remove = useAction(async (gone: GrantRow) => {
    await write(rows.filter((row) => row !== gone).map(asDraft));
    return text.common.saved;
  });
  return (
    <Section
      title={text.serverSettings.access}
      hint={text.serverSettings.accessHint}
      actions={
        <Button icon="add" onClick={() => setAdding(true)}>
          {text.serverSettings.accessAdd}
        </Button>
      }
    >
      {!grants.data && <Loading error={grants.error} onRetry={grants.reload} />}
      {grants.data && rows.length === 0 && <p class="hint">{text.serverSettings.accessNone}</p>}
      {rows.map((row) => (
        <fieldset key={row.user.id} class="grant">
          <legend class="field-label">{row.user.name}</legend>
          <GrantFields may={row.may} onChange={(may) => void change.run({ ...row, may })} />
          <Button
            small
            busy={remove.isBusy}
            label={text.sort.remove(row.user.name)}
            onClick={() => void remove.run(row)}
          >
            {text.common.remove}
          </Button>
        </fieldset>
      ))}
      <ErrorLine error={change.error ?? remove.error} />
      {isAdding && (
        <AddGrant
          onAdd={(name, may) => write([...rows.map(asDraft), { user: name, may }])}
          onClose={() => setAdding(false)}
        />
      )}
    </Section>
  );
}

// ---- the RCON password --------------------------------------------------------------------------

function RconSecret({ server }: { server: Server }) {
  const [secret, setSecret] = useState<string | null>(null);
  const [isAsked, setAsked] = useState(false);
  const show = useAction(async () => setSecret(await api.servers.secret(server.id)));
  return (
    <Section title={text.serverSettings.secret} hint={text.serverSettings.secretHint}>
      <div class="with-button">
        {secret === null ? (
          <Button busy={show.isBusy} onClick={() => void show.run()}>
            {text.serverSettings.secretShow}
          </Button>
        ) : (
          <>
            <code>{secret}</code>
            <CopyButton words={secret} />
            <Button small onClick={() => setSecret(null)}>
              {text.serverSettings.secretHide}
            </Button>
          </>
        )}
        <Button onClick={() => setAsked(true)}>{text.serverSettings.secretNew}</Button>
      </div>
      <ErrorLine error={show.error} />
      {isAsked && (
        <Confirm
          name="server-secret"
          title={text.serverSettings.secretNewTitle}
          action={text.serverSettings.secretNew}
          kind="primary"
          onConfirm={async () => {
            setSecret(await api.servers.newSecret(server.id));
            say(text.serverSettings.secretMade);
          }}
          onClose={() => setAsked(false)}
        >
          <p>{text.serverSettings.secretNewText}</p>
        </Confirm>
      )}
    </Section>
  );
}

export function SettingsTab({ server }: { server: Server }) {
  return (
    <>
      <General server={server} />
      <Access server={server} />
      <RconSecret server={server} />
      <OwnerSection kind="server" thing={server} />
    </>
  );
}
