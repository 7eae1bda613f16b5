// SPDX-License-Identifier: MIT

// tokens: what programs log in with.

import { useState } from "preact/hooks";
import * as api from "../../api";
import type { Scope, Token } from "../../api/types";
import { ActionButton } from "../../components/action";
import { Button } from "../../components/button";
import { SecretDialog } from "../../components/copy";
import { FormDialog } from "../../components/dialog";
import { NameField, SelectField } from "../../components/field";
import { Ago, Section } from "../../components/layout";
import { useLoad } from "../../components/load";
import { LoadedTable, type Column } from "../../components/table";
import * as session from "../../state/session";
import { text } from "../../strings";

const DAY_S = 86_400;

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
      name="token-new"
      title={text.tokens.new}
      action={text.common.create}
      onSubmit={submit}
      onClose={props.onClose}
    >
      <NameField hint={text.tokens.nameHint} value={name} onInput={setName} autofocus />
      <SelectField
        name="scope"
        label={text.tokens.scope}
        hint={text.tokens.scopeHints[scope]}
        value={scope}
        onChange={setScope}
        options={scopes
          .filter((value) => value !== "admin" || session.isAdmin())
          .map((value) => ({ value, label: text.tokens.scopes[value] }))}
      />
      <SelectField
        name="expires"
        label={text.tokens.life}
        value={days}
        onChange={setDays}
        options={[
          { value: "7", label: text.tokens.days(7) },
          { value: "30", label: text.tokens.days(30) },
          { value: "90", label: text.tokens.days(90) },
          { value: "365", label: text.tokens.days(365) },
          { value: "", label: text.tokens.forEver },
        ]}
      />
    </FormDialog>
  );
}

function TokenAction({ row, onChange }: { row: Token; onChange: () => void }) {
  async function remove(): Promise<string> {
    await api.account.removeToken(row.id);
    onChange();
    return text.tokens.removed;
  }
  return (
    <ActionButton
      label={text.tokens.remove}
      fullLabel={text.tokens.removeOf(row.name)}
      work={remove}
    />
  );
}

export function Tokens() {
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
      <LoadedTable
        label={text.tokens.title}
        columns={columns}
        list={list}
        id={(row) => row.id}
        none={text.tokens.none}
      />
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
        <SecretDialog
          name="token-made"
          title={text.tokens.madeTitle}
          intro={text.tokens.madeText}
          label={text.tokens.token}
          value={token}
          onClose={() => setToken(null)}
        />
      )}
    </Section>
  );
}
