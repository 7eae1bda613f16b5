// SPDX-License-Identifier: MIT

// users: the accounts of all, invitations, and what was changed by whom.

import { useState } from "preact/hooks";
import * as api from "../api";
import type { AuditEvent, Invitation, Role, User } from "../api/types";
import { ErrorLine, useAction } from "../components/action";
import { Button } from "../components/button";
import { Secret } from "../components/copy";
import { Confirm, Dialog, FormDialog } from "../components/dialog";
import { RadioGroup, TextField } from "../components/field";
import { Ago, Badge, Empty, Loading, Page, Section, Tabs } from "../components/layout";
import { useLoad } from "../components/load";
import { Menu } from "../components/menu";
import { Table, type Column } from "../components/table";
import * as session from "../state/session";
import { say } from "../state/toasts";
import { text } from "../strings";

const linkOf = (word: string): string => `${location.origin}/join#${word}`;

function LinkDialog({ word, onClose }: { word: string; onClose: () => void }) {
  return (
    <Dialog
      title={text.users.linkTitle}
      onClose={onClose}
      footer={
        <Button kind="primary" onClick={onClose}>
          {text.common.close}
        </Button>
      }
    >
      <p>{text.users.linkText}</p>
      <Secret label={text.users.link} value={linkOf(word)} />
    </Dialog>
  );
}

function InviteDialog(props: { onWord: (word: string) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("user");
  async function submit(): Promise<void> {
    const answer = await api.admin.invite(role, name.trim());
    props.onWord(answer.invitation);
  }
  return (
    <FormDialog
      title={text.users.invite}
      action={text.users.makeLink}
      onSubmit={submit}
      onClose={props.onClose}
    >
      {(error) => (
        <>
          <TextField
            name="name"
            label={text.common.name}
            optional={text.common.optional}
            hint={text.users.inviteNameHint}
            value={name}
            onInput={setName}
            error={error}
            maxLength={64}
            autofocus
          />
          <RadioGroup
            legend={text.users.role}
            value={role}
            onChange={setRole}
            options={[
              { value: "user", label: text.users.roles.user, hint: text.users.roleHints.user },
              { value: "admin", label: text.users.roles.admin, hint: text.users.roleHints.admin },
            ]}
          />
        </>
      )}
    </FormDialog>
  );
}

interface UserActionsProps {
  user: User;
  onChange: () => void;
  onWord: (word: string) => void;
}

function UserActions({ user, onChange, onWord }: UserActionsProps) {
  const [isDeleting, setDeleting] = useState(false);
  const change = useAction(async (by: { role?: Role; active?: boolean }) => {
    await api.admin.changeUser(user.id, by);
    onChange();
    return text.users.changed(user.name);
  });
  const link = useAction(async () => onWord((await api.admin.inviteUser(user.id)).invitation));
  if (user.id === session.user.value?.id) return <span class="sub">{text.users.you}</span>;
  return (
    <>
      <Menu
        label={text.users.actionsOf(user.name)}
        items={[
          { label: text.users.newPassword, icon: "link", onSelect: () => void link.run() },
          user.role === "admin"
            ? { label: text.users.makeUser, onSelect: () => void change.run({ role: "user" }) }
            : { label: text.users.makeAdmin, onSelect: () => void change.run({ role: "admin" }) },
          user.active
            ? {
                label: text.users.deactivate,
                kind: "danger",
                onSelect: () => void change.run({ active: false }),
              }
            : { label: text.users.activate, onSelect: () => void change.run({ active: true }) },
          {
            label: text.common.delete,
            icon: "trash",
            kind: "danger",
            onSelect: () => setDeleting(true),
          },
        ]}
      />
      <ErrorLine error={change.error ?? link.error} />
      {isDeleting && (
        <Confirm
          title={text.users.deleteTitle(user.name)}
          action={text.common.delete}
          onConfirm={async () => {
            await api.admin.removeUser(user.id);
            onChange();
            say(text.users.deleted(user.name));
          }}
          onClose={() => setDeleting(false)}
        >
          <p>{text.users.deleteText}</p>
        </Confirm>
      )}
    </>
  );
}

function userColumns(onChange: () => void, onWord: (word: string) => void): Column<User>[] {
  return [
    { key: "name", head: text.common.name, isName: true, cell: (user) => user.name },
    {
      key: "role",
      head: text.users.role,
      cell: (user) => (
        <span class="badges">
          {text.users.roles[user.role]}
          {!user.active && <Badge tone="warn">{text.users.inactive}</Badge>}
          {!user.password && <Badge tone="warn">{text.users.noPassword}</Badge>}
        </span>
      ),
    },
    {
      key: "totp",
      head: text.users.totp,
      isMinor: true,
      cell: (user) => (user.totp ? text.users.totpOn : text.users.totpOff),
    },
    {
      key: "login",
      head: text.users.login,
      cell: (user) => (user.login ? <Ago at={user.login} /> : text.users.never),
    },
    {
      key: "actions",
      head: text.common.actions,
      isActions: true,
      cell: (user) => <UserActions user={user} onChange={onChange} onWord={onWord} />,
    },
  ];
}

function InvitationAction({ row, onChange }: { row: Invitation; onChange: () => void }) {
  const remove = useAction(async () => {
    await api.admin.removeInvitation(row.id);
    onChange();
    return text.users.withdrawn;
  });
  return (
    <>
      <Button small busy={remove.isBusy} onClick={() => void remove.run()}>
        {text.users.withdraw}
      </Button>
      <ErrorLine error={remove.error} />
    </>
  );
}

function Invitations(props: {
  users: readonly User[];
  list: readonly Invitation[];
  onChange: () => void;
}) {
  const nameOf = (id: number | null): string =>
    props.users.find((user) => user.id === id)?.name ?? text.users.theShell;
  const columns: Column<Invitation>[] = [
    {
      key: "for",
      head: text.users.invitedFor,
      isName: true,
      cell: (row) =>
        row.user === null
          ? (row.name ?? text.users.anybody)
          : text.users.passwordOf(nameOf(row.user)),
    },
    { key: "role", head: text.users.role, cell: (row) => text.users.roles[row.role] },
    { key: "by", head: text.jobs.by, isMinor: true, cell: (row) => nameOf(row.made_by) },
    { key: "expires", head: text.common.expires, cell: (row) => <Ago at={row.expires} /> },
    {
      key: "actions",
      head: text.common.actions,
      isActions: true,
      cell: (row) => <InvitationAction row={row} onChange={props.onChange} />,
    },
  ];
  if (props.list.length === 0) return <p class="hint">{text.users.noInvitations}</p>;
  return (
    <Table
      label={text.users.invitations}
      columns={columns}
      rows={props.list}
      id={(row) => row.id}
    />
  );
}

function Accounts() {
  const users = useLoad(api.admin.users, []);
  const invitations = useLoad(api.admin.invitations, []);
  const [word, setWord] = useState<string | null>(null);
  const [isInviting, setInviting] = useState(false);
  const showWord = (made: string): void => {
    setWord(made);
    invitations.reload();
  };
  return (
    <>
      <Section
        title={text.users.accounts}
        actions={
          <Button kind="primary" icon="add" onClick={() => setInviting(true)}>
            {text.users.invite}
          </Button>
        }
      >
        {users.data ? (
          <Table
            label={text.users.accounts}
            columns={userColumns(users.reload, showWord)}
            rows={users.data}
            id={(user) => user.id}
          />
        ) : (
          <Loading error={users.error} onRetry={users.reload} />
        )}
      </Section>
      <Section title={text.users.invitations} hint={text.users.invitationsHint}>
        {invitations.data ? (
          <Invitations
            users={users.data ?? []}
            list={invitations.data}
            onChange={invitations.reload}
          />
        ) : (
          <Loading error={invitations.error} onRetry={invitations.reload} />
        )}
      </Section>
      {isInviting && <InviteDialog onWord={showWord} onClose={() => setInviting(false)} />}
      {word !== null && <LinkDialog word={word} onClose={() => setWord(null)} />}
    </>
  );
}

const shown = (value: unknown): string => JSON.stringify(value, null, 1);

function EventDetails({ event }: { event: AuditEvent }) {
  const sides = [
    [text.audit.before, event.before],
    [text.audit.after, event.after],
  ] as const;
  if (event.before == null && event.after == null) return <>–</>;
  return (
    <details class="details">
      <summary>{text.audit.details}</summary>
      {sides.map(
        ([label, value]) =>
          value != null && (
            <div key={label}>
              <div class="sub">{label}</div>
              <pre class="plain-text" tabIndex={0}>
                {shown(value)}
              </pre>
            </div>
          ),
      )}
    </details>
  );
}

const auditColumns = (): Column<AuditEvent>[] => [
  {
    key: "action",
    head: text.audit.action,
    isName: true,
    cell: (event) => (
      <>
        <code>{event.action}</code>
        <span class="sub">{event.subject}</span>
      </>
    ),
  },
  { key: "who", head: text.audit.who, cell: (event) => event.user_name || text.users.theShell },
  { key: "from", head: text.audit.from, isMinor: true, cell: (event) => event.origin },
  {
    key: "when",
    head: text.audit.when,
    cell: (event) => <Ago at={Math.floor(event.time_us / 1e6)} />,
  },
  {
    key: "details",
    head: text.audit.details,
    cell: (event) => <EventDetails event={event} />,
  },
];

function Audit() {
  const first = useLoad(() => api.admin.audit(), []);
  const [older, setOlder] = useState<readonly AuditEvent[]>([]);
  const [before, setBefore] = useState<number | null | undefined>(undefined);
  const next = before === undefined ? first.data?.before : before;
  const more = useAction(async () => {
    const page = await api.admin.audit(next ?? undefined);
    setOlder([...older, ...page.events]);
    setBefore(page.before);
  });
  if (!first.data) return <Loading error={first.error} onRetry={first.reload} />;
  const rows = [...first.data.events, ...older];
  if (rows.length === 0) return <Empty title={text.audit.empty} />;
  return (
    <Section title={text.audit.title} hint={text.audit.hint}>
      <Table
        label={text.audit.title}
        columns={auditColumns()}
        rows={rows}
        id={(event) => event.id}
      />
      {next != null && (
        <div>
          <Button busy={more.isBusy} onClick={() => void more.run()}>
            {text.common.olderOnes}
          </Button>
        </div>
      )}
      <ErrorLine error={more.error} />
    </Section>
  );
}

export function UsersPage({ tab }: { tab: string }) {
  return (
    <Page title={text.users.title}>
      <Tabs
        label={text.users.title}
        tabs={[
          { href: "/users", label: text.users.accounts },
          { href: "/users/changes", label: text.audit.title },
        ]}
      />
      {tab === "changes" ? <Audit /> : <Accounts />}
    </Page>
  );
}
