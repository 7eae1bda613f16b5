// SPDX-License-Identifier: MIT

// audit: what was changed by whom.

import { useState } from "preact/hooks";
import * as api from "../../api";
import type { AuditEvent } from "../../api/types";
import { ErrorLine, useAction } from "../../components/action";
import { Button } from "../../components/button";
import { Ago, Empty, Loading, Section, Who } from "../../components/layout";
import { useLoad } from "../../components/load";
import { Table, type Column } from "../../components/table";
import { text } from "../../strings";

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
  {
    key: "who",
    head: text.audit.who,
    cell: (event) => <Who name={event.user_name || text.users.theShell} />,
  },
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

export function Audit() {
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
