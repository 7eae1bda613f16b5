// SPDX-License-Identifier: MIT

// machine: whether the machine is fit for it, and the settings that hold for all.

import { useState } from "preact/hooks";
import * as api from "../api";
import type { Check, Settings } from "../api/types";
import { ErrorLine, useAction } from "../components/action";
import { Button } from "../components/button";
import { CheckField, TextField } from "../components/field";
import { Form } from "../components/form";
import { Badge, Loading, Notice, Page, Section, Tabs, type Tone } from "../components/layout";
import { useLoad } from "../components/load";
import { Table, type Column } from "../components/table";
import { sentence } from "../sentence";
import { text } from "../strings";

const TONES: Record<Check["verdict"], Tone> = { ok: "good", warn: "warn", fail: "bad" };
const RANK: Record<Check["verdict"], number> = { fail: 0, warn: 1, ok: 2 };

const columns = (): Column<Check>[] => [
  { key: "check", head: text.machine.check, isName: true, cell: (check) => check.check },
  {
    key: "verdict",
    head: text.machine.verdict,
    cell: (check) => (
      <Badge tone={TONES[check.verdict]}>{text.machine.verdicts[check.verdict]}</Badge>
    ),
  },
  {
    key: "found",
    head: text.machine.found,
    cell: (check) => (
      <>
        {sentence(check.found)}
        {check.remedy && <span class="sub">{text.machine.remedy(sentence(check.remedy))}</span>}
      </>
    ),
  },
];

function Health() {
  const machine = useLoad(api.admin.machine, []);
  return (
    <Section
      title={text.machine.health}
      hint={text.machine.healthHint}
      actions={
        <Button icon="restart" busy={machine.isLoading} onClick={machine.reload}>
          {text.machine.lookAgain}
        </Button>
      }
    >
      {machine.data ? (
        <>
          {!machine.data.healthy && <Notice kind="error">{text.machine.unhealthy}</Notice>}
          <ErrorLine error={machine.error} />
          <Table
            label={text.machine.health}
            columns={columns()}
            rows={[...machine.data.checks].sort((a, b) => RANK[a.verdict] - RANK[b.verdict])}
            id={(check) => check.check}
          />
        </>
      ) : (
        <Loading error={machine.error} onRetry={machine.reload} />
      )}
    </Section>
  );
}

type Numeric = Exclude<keyof Settings, "repair" | "metrics_open">;

/** Numbers, in the rows in which they stand. */
const numbers = (): { name: Numeric; label: string; hint?: string }[][] => [
  [
    { name: "port_from", label: text.settings.portFrom, hint: text.settings.portHint },
    { name: "port_to", label: text.settings.portTo },
  ],
  [
    { name: "log_days", label: text.settings.logDays },
    { name: "history_days", label: text.settings.historyDays },
    { name: "audit_days", label: text.settings.auditDays },
  ],
  [
    { name: "user_servers", label: text.settings.userServers },
    { name: "user_blueprints", label: text.settings.userBlueprints },
    { name: "user_overlays", label: text.settings.userOverlays },
  ],
];

function SettingsForm({ first }: { first: Settings }) {
  const [saved, setSaved] = useState(first);
  const [typed, setTyped] = useState<Partial<Record<Numeric, string>>>({});
  const [isRepairing, setRepairing] = useState(first.repair === "auto");
  const [isOpen, setOpen] = useState(first.metrics_open === "on");
  const save = useAction(async () => {
    const wanted: Partial<Settings> = {
      ...Object.fromEntries(Object.entries(typed).map(([name, words]) => [name, Number(words)])),
      repair: isRepairing ? "auto" : "off",
      metrics_open: isOpen ? "on" : "off",
    };
    const changed = Object.fromEntries(
      Object.entries(wanted).filter(([key, value]) => saved[key as keyof Settings] !== value),
    );
    if (Object.keys(changed).length > 0) setSaved(await api.admin.changeSettings(changed));
    return text.common.saved;
  });
  return (
    <Form action={save} submit={text.common.save}>
      {numbers().map((row) => (
        <div class="form-row" key={row[0]?.name}>
          {row.map((field) => (
            <TextField
              key={field.name}
              {...field}
              value={typed[field.name] ?? String(first[field.name])}
              onInput={(words) => setTyped((old) => ({ ...old, [field.name]: words }))}
              inputMode="numeric"
              maxLength={6}
            />
          ))}
        </div>
      ))}
      <CheckField
        label={text.settings.repair}
        hint={text.settings.repairHint}
        checked={isRepairing}
        onChange={setRepairing}
      />
      <CheckField
        label={text.settings.metrics}
        hint={text.settings.metricsHint}
        checked={isOpen}
        onChange={setOpen}
      />
    </Form>
  );
}

function SettingsPart() {
  const settings = useLoad(api.admin.settings, []);
  return (
    <Section title={text.settings.title}>
      {settings.data ? (
        <SettingsForm first={settings.data} />
      ) : (
        <Loading error={settings.error} onRetry={settings.reload} />
      )}
    </Section>
  );
}

export function MachinePage({ tab }: { tab: string }) {
  return (
    <Page title={text.machine.title}>
      <Tabs
        label={text.machine.title}
        tabs={[
          { href: "/machine", label: text.machine.health },
          { href: "/machine/settings", label: text.settings.title },
        ]}
      />
      {tab === "settings" ? <SettingsPart /> : <Health />}
    </Page>
  );
}
