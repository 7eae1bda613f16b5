// SPDX-License-Identifier: MIT

// accounts: who may log in, and what may be changed about it.

import { useEffect, useState } from "preact/hooks";
import * as api from "../../api";
import type { Owner, Role, User } from "../../api/types";
import { ErrorLine, useAction } from "../../components/action";
import { Button } from "../../components/button";
import { SecretDialog } from "../../components/copy";
import { Confirm } from "../../components/dialog";
import { Ago, Badge, Section } from "../../components/layout";
import { useLoad } from "../../components/load";
import { Menu } from "../../components/menu";
import { LoadedTable, type Column } from "../../components/table";
import * as session from "../../state/session";
import { blueprints, overlays, servers } from "../../state/things";
import { say } from "../../state/toasts";
import { text } from "../../strings";
import { InviteDialog, Invitations } from "./invitations";

const linkOf = (word: string): string => `${location.origin}/join#${word}`;

// What he must not have any more before he goes, and where each is given away.
function ThingsOf({ user }: { user: User }) {
  useEffect(() => [servers, blueprints, overlays].forEach((things) => things.ensure()), []);
  const isHis = (thing: { owner: Owner | null }): boolean => thing.owner?.id === user.id;
  const links = [
    ...servers.list.value.filter(isHis).map((one) => [`/servers/${one.id}/settings`, one.name]),
    ...blueprints.list.value.filter(isHis).map((one) => [`/blueprints/${one.id}`, one.name]),
    ...overlays.list.value.filter(isHis).map((one) => [`/overlays/${one.id}/settings`, one.name]),
  ];
  if (links.length === 0) return null;
  return (
    <>
      <p>{text.users.stillHas}</p>
      <ul>
        {links.map(([href, name]) => (
          <li key={href}>
            <a href={href}>{name}</a>
          </li>
        ))}
      </ul>
    </>
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
          name="user-delete"
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
          <ThingsOf user={user} />
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

export function Accounts() {
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
        <LoadedTable
          label={text.users.accounts}
          columns={userColumns(users.reload, showWord)}
          list={users}
          id={(user) => user.id}
        />
      </Section>
      <Section title={text.users.invitations} hint={text.users.invitationsHint}>
        <Invitations users={users.data ?? []} list={invitations} />
      </Section>
      {isInviting && <InviteDialog onWord={showWord} onClose={() => setInviting(false)} />}
      {word !== null && (
        <SecretDialog
          name="user-link"
          title={text.users.linkTitle}
          intro={text.users.linkText}
          label={text.users.link}
          value={linkOf(word)}
          onClose={() => setWord(null)}
        />
      )}
    </>
  );
}
