// SPDX-License-Identifier: MIT

// sessions: where one is logged in.

import * as api from "../../api";
import type { Session } from "../../api/types";
import { ActionButton, ErrorLine, useAction } from "../../components/action";
import { Button } from "../../components/button";
import { Ago, Badge, Section } from "../../components/layout";
import { useLoad } from "../../components/load";
import { LoadedTable, type Column } from "../../components/table";
import { browserOf } from "../../format";
import { text } from "../../strings";

function SessionAction({ row, onChange }: { row: Session; onChange: () => void }) {
  async function end(): Promise<string> {
    await api.account.endSession(row.id);
    onChange();
    return text.account.sessionEnded;
  }
  if (row.current) return <Badge tone="good">{text.account.thisOne}</Badge>;
  return <ActionButton label={text.account.endSession} work={end} />;
}

export function Sessions() {
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
      cell: (row) => <span title={row.agent}>{browserOf(row.agent) || "–"}</span>,
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
      <LoadedTable
        label={text.account.sessions}
        columns={columns}
        list={list}
        id={(row) => row.id}
      />
    </Section>
  );
}
