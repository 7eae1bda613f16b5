// SPDX-License-Identifier: MIT

// account: one's own password, second factor, sessions and tokens, and how the page looks.

import { useState } from "preact/hooks";
import * as api from "../api";
import { ApiError } from "../api";
import type { Scope, Session, Token } from "../api/types";
import { ErrorLine, FormError, useAction } from "../components/action";
import { Button } from "../components/button";
import { CopyButton, Secret } from "../components/copy";
import { Dialog, FormDialog } from "../components/dialog";
import { SelectField, TextField } from "../components/field";
import { Ago, Badge, Loading, Page, Section } from "../components/layout";
import { useLoad } from "../components/load";
import { Table, type Column } from "../components/table";
import * as session from "../state/session";
import { say } from "../state/toasts";
import { language, languages, setLanguage, text } from "../strings";

const DAY_S = 86_400;

function Password() {
  const [old, setOld] = useState("");
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const save = useAction(async () => {
    if (password !== repeated) throw new ApiError("invalid", text.join.mismatch, 0, "repeat");
    await api.account.setPassword(old, password);
    setOld("");
    setPassword("");
    setRepeated("");
    return text.account.passwordSet;
  });
  return (
    <Section title={text.account.password} hint={text.account.passwordHint}>
      <form
        class="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save.run();
        }}
      >
        {/* So that a password manager knows whose it is. */}
        <input hidden autocomplete="username" value={session.user.value?.name} readOnly />
        <TextField
          name="old_password"
          label={text.account.oldPassword}
          type="password"
          autocomplete="current-password"
          value={old}
          onInput={setOld}
          error={save.error}
        />
        <div class="form-row">
          <TextField
            name="password"
            label={text.account.newPassword}
            type="password"
            autocomplete="new-password"
            value={password}
            onInput={setPassword}
            error={save.error}
          />
          <TextField
            name="repeat"
            label={text.join.repeat}
            type="password"
            autocomplete="new-password"
            value={repeated}
            onInput={setRepeated}
            error={save.error}
          />
        </div>
        <FormError error={save.error} />
        <div class="form-actions">
          <Button kind="primary" submit busy={save.isBusy}>
            {text.account.setPassword}
          </Button>
        </div>
      </form>
    </Section>
  );
}

// ---- the second factor ------------------------------------------------------------------------

async function reloadMe(): Promise<void> {
  session.user.value = await api.account.me();
}

function TotpDialog(props: {
  start: api.account.TotpStart;
  onCodes: (codes: string[]) => void;
  onClose: () => void;
}) {
  const [code, setCode] = useState("");
  const { start } = props;
  async function submit(): Promise<void> {
    const codes = await api.account.totpConfirm(code.trim());
    await reloadMe();
    props.onCodes(codes);
  }
  return (
    <FormDialog
      title={text.totp.title}
      action={text.totp.confirm}
      onSubmit={submit}
      onClose={props.onClose}
    >
      {(error) => (
        <>
          <p>{text.totp.intro}</p>
          <Secret label={text.totp.secret} value={start.secret} />
          <p>
            <a href={start.uri}>{text.totp.open}</a>
          </p>
          <Secret label={text.totp.uri} value={start.uri} />
          <TextField
            name="code"
            label={text.login.code}
            hint={text.totp.codeHint}
            value={code}
            onInput={setCode}
            error={error}
            autocomplete="one-time-code"
            inputMode="numeric"
            mono
          />
        </>
      )}
    </FormDialog>
  );
}

function CodesDialog({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  return (
    <Dialog
      title={text.totp.codesTitle}
      stays
      onClose={onClose}
      footer={
        <Button kind="primary" onClick={onClose}>
          {text.totp.codesDone}
        </Button>
      }
    >
      <p>{text.totp.codesText}</p>
      <pre class="plain-text" tabIndex={0}>
        {codes.join("\n")}
      </pre>
      <div>
        <CopyButton words={codes.join("\n")} />
      </div>
    </Dialog>
  );
}

function EndTotpDialog({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState("");
  async function submit(): Promise<string> {
    await api.account.totpEnd(password);
    await reloadMe();
    return text.totp.ended;
  }
  return (
    <FormDialog
      title={text.totp.endTitle}
      action={text.totp.end}
      onSubmit={submit}
      onClose={onClose}
    >
      {(error) => (
        <TextField
          name="password"
          label={text.login.password}
          type="password"
          autocomplete="current-password"
          value={password}
          onInput={setPassword}
          error={error}
          autofocus
        />
      )}
    </FormDialog>
  );
}

function Totp() {
  const [start, setStart] = useState<api.account.TotpStart | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [isEnding, setEnding] = useState(false);
  const begin = useAction(async () => setStart(await api.account.totpBegin()));
  const isOn = session.user.value?.totp ?? false;
  const state = useLoad(api.account.totp, [isOn]);
  return (
    <Section
      title={text.totp.section}
      hint={isOn ? text.totp.isOn : text.totp.isOff}
      actions={
        isOn ? (
          <Button onClick={() => setEnding(true)}>{text.totp.end}</Button>
        ) : (
          <Button busy={begin.isBusy} onClick={() => void begin.run()}>
            {text.totp.begin}
          </Button>
        )
      }
    >
      <ErrorLine error={begin.error} />
      {isOn && state.data && <p class="hint">{text.totp.left(state.data.recovery_codes)}</p>}
      {start && <TotpDialog start={start} onCodes={setCodes} onClose={() => setStart(null)} />}
      {codes && <CodesDialog codes={codes} onClose={() => setCodes(null)} />}
      {isEnding && <EndTotpDialog onClose={() => setEnding(false)} />}
    </Section>
  );
}

// ---- sessions ---------------------------------------------------------------------------------

function SessionAction({ row, onChange }: { row: Session; onChange: () => void }) {
  const end = useAction(async () => {
    await api.account.endSession(row.id);
    onChange();
    return text.account.sessionEnded;
  });
  if (row.current) return <Badge tone="good">{text.account.thisOne}</Badge>;
  return (
    <>
      <Button small busy={end.isBusy} onClick={() => void end.run()}>
        {text.account.endSession}
      </Button>
      <ErrorLine error={end.error} />
    </>
  );
}

function Sessions() {
  const list = useLoad(api.account.sessions, []);
  const endOthers = useAction(async () => {
    for (const row of list.data ?? []) if (!row.current) await api.account.endSession(row.id);
    list.reload();
    return text.account.othersEnded;
  });
  const columns: Column<Session>[] = [
    {
      key: "agent",
      head: text.account.browser,
      isName: true,
      cell: (row) => <span class="agent">{row.agent || "–"}</span>,
    },
    { key: "address", head: text.account.address, cell: (row) => <code>{row.address}</code> },
    { key: "seen", head: text.account.seen, cell: (row) => <Ago at={row.seen} /> },
    {
      key: "created",
      head: text.account.begun,
      isMinor: true,
      cell: (row) => <Ago at={row.created} />,
    },
    {
      key: "actions",
      head: text.common.actions,
      isActions: true,
      cell: (row) => <SessionAction row={row} onChange={list.reload} />,
    },
  ];
  return (
    <Section
      title={text.account.sessions}
      actions={
        (list.data?.length ?? 0) > 1 && (
          <Button busy={endOthers.isBusy} onClick={() => void endOthers.run()}>
            {text.account.endOthers}
          </Button>
        )
      }
    >
      <ErrorLine error={endOthers.error} />
      {list.data ? (
        <Table
          label={text.account.sessions}
          columns={columns}
          rows={list.data}
          id={(row) => row.id}
        />
      ) : (
        <Loading error={list.error} onRetry={list.reload} />
      )}
    </Section>
  );
}

// ---- tokens -----------------------------------------------------------------------------------

function TokenDialog(props: { onToken: (token: string) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Scope>("read");
  const [days, setDays] = useState("90");
  async function submit(): Promise<void> {
    const expires =
      days === "" ? null : Math.floor(Date.now() / 1000) + Math.round(Number(days) * DAY_S);
    const answer = await api.account.addToken(name.trim(), scope, expires);
    props.onToken(answer.token);
  }
  const scopes: Scope[] = ["read", "operate", "manage", "admin"];
  return (
    <FormDialog
      title={text.tokens.new}
      action={text.common.create}
      onSubmit={submit}
      onClose={props.onClose}
    >
      {(error) => (
        <>
          <TextField
            name="name"
            label={text.common.name}
            hint={text.tokens.nameHint}
            value={name}
            onInput={setName}
            error={error}
            maxLength={64}
            autofocus
          />
          <SelectField
            name="scope"
            label={text.tokens.scope}
            hint={text.tokens.scopeHints[scope]}
            value={scope}
            onChange={setScope}
            error={error}
            options={scopes
              .filter((value) => value !== "admin" || session.isAdmin())
              .map((value) => ({ value, label: text.tokens.scopes[value] }))}
          />
          <SelectField
            name="expires"
            label={text.tokens.life}
            value={days}
            onChange={setDays}
            error={error}
            options={[
              { value: "7", label: text.tokens.days(7) },
              { value: "30", label: text.tokens.days(30) },
              { value: "90", label: text.tokens.days(90) },
              { value: "365", label: text.tokens.days(365) },
              { value: "", label: text.tokens.forEver },
            ]}
          />
        </>
      )}
    </FormDialog>
  );
}

function TokenAction({ row, onChange }: { row: Token; onChange: () => void }) {
  const remove = useAction(async () => {
    await api.account.removeToken(row.id);
    onChange();
    return text.tokens.removed;
  });
  return (
    <>
      <Button
        small
        busy={remove.isBusy}
        label={text.tokens.removeOf(row.name)}
        onClick={() => void remove.run()}
      >
        {text.tokens.remove}
      </Button>
      <ErrorLine error={remove.error} />
    </>
  );
}

function Tokens() {
  const list = useLoad(api.account.tokens, []);
  const [isAdding, setAdding] = useState(false);
  const [token, setToken] = useState<string | null>(null);
  const columns: Column<Token>[] = [
    { key: "name", head: text.common.name, isName: true, cell: (row) => row.name },
    { key: "scope", head: text.tokens.scope, cell: (row) => text.tokens.scopes[row.scope] },
    {
      key: "used",
      head: text.tokens.used,
      cell: (row) => (row.used ? <Ago at={row.used} /> : text.users.never),
    },
    {
      key: "expires",
      head: text.common.expires,
      cell: (row) => (row.expires ? <Ago at={row.expires} /> : text.users.never),
    },
    {
      key: "actions",
      head: text.common.actions,
      isActions: true,
      cell: (row) => <TokenAction row={row} onChange={list.reload} />,
    },
  ];
  return (
    <Section
      title={text.tokens.title}
      hint={text.tokens.hint}
      actions={
        <Button icon="add" onClick={() => setAdding(true)}>
          {text.tokens.new}
        </Button>
      }
    >
      {!list.data ? (
        <Loading error={list.error} onRetry={list.reload} />
      ) : list.data.length === 0 ? (
        <p class="hint">{text.tokens.none}</p>
      ) : (
        <Table label={text.tokens.title} columns={columns} rows={list.data} id={(row) => row.id} />
      )}
      {isAdding && (
        <TokenDialog
          onToken={(made) => {
            setToken(made);
            list.reload();
          }}
          onClose={() => setAdding(false)}
        />
      )}
      {token !== null && (
        <Dialog
          title={text.tokens.madeTitle}
          onClose={() => setToken(null)}
          footer={
            <Button kind="primary" onClick={() => setToken(null)}>
              {text.common.close}
            </Button>
          }
        >
          <p>{text.tokens.madeText}</p>
          <Secret label={text.tokens.token} value={token} />
        </Dialog>
      )}
    </Section>
  );
}

function Language() {
  if (languages().length < 2) return null;
  return (
    <Section title={text.account.language}>
      <div class="form-row form-row-narrow">
        <SelectField
          label={text.account.language}
          value={language()}
          options={languages()}
          onChange={setLanguage}
        />
      </div>
    </Section>
  );
}

export function AccountPage() {
  const logout = useAction(async () => {
    await session.logout();
    say(text.nav.logout);
  });
  const user = session.user.value;
  return (
    <Page
      title={user?.name ?? text.nav.account}
      aside={user && <Badge tone="calm">{text.users.roles[user.role]}</Badge>}
      actions={
        <Button busy={logout.isBusy} onClick={() => void logout.run()}>
          {text.nav.logout}
        </Button>
      }
    >
      <ErrorLine error={logout.error} />
      <Password />
      <Totp />
      <Sessions />
      <Tokens />
      <Language />
    </Page>
  );
}
