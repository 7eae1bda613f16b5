// SPDX-License-Identifier: MIT

// invitations: links by which somebody gets an account.

import { useState } from "preact/hooks";
import * as api from "../../api";
import type { Invitation, Role, User } from "../../api/types";
import { ActionButton } from "../../components/action";
import { FormDialog } from "../../components/dialog";
import { NameField, RadioGroup } from "../../components/field";
import { Ago } from "../../components/layout";
import type { Loaded } from "../../components/load";
import { LoadedTable, type Column } from "../../components/table";
import { text } from "../../strings";

export function InviteDialog(props: { onWord: (word: string) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("user");
  async function submit(): Promise<void> {
    const answer = await api.admin.invite(role, name.trim());
    props.onWord(answer.invitation);
  }
  return (
    <FormDialog
      name="user-invite"
      title={text.users.invite}
      action={text.users.makeLink}
      onSubmit={submit}
      onClose={props.onClose}
    >
      <NameField
        optional={text.common.optional}
        hint={text.users.inviteNameHint}
        value={name}
        onInput={setName}
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
    </FormDialog>
  );
}

function InvitationAction({ row, onChange }: { row: Invitation; onChange: () => void }) {
  async function remove(): Promise<string> {
    await api.admin.removeInvitation(row.id);
    onChange();
    return text.users.withdrawn;
  }
  return <ActionButton label={text.users.withdraw} work={remove} />;
}

export function Invitations({
  users,
  list,
}: {
  users: readonly User[];
  list: Loaded<Invitation[]>;
}) {
  const nameOf = (id: number | null): string =>
    users.find((user) => user.id === id)?.name ?? text.users.theShell;
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
      cell: (row) => <InvitationAction row={row} onChange={list.reload} />,
    },
  ];
  return (
    <LoadedTable
      label={text.users.invitations}
      columns={columns}
      list={list}
      id={(row) => row.id}
      none={text.users.noInvitations}
    />
  );
}
