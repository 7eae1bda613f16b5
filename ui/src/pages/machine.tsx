// SPDX-License-Identifier: MIT

// machine: whether the machine is fit for it, and the settings that hold for all.

import { useState } from "preact/hooks";
import * as api from "../api";
import type { Check, Settings } from "../api/types";
import { ErrorLine, FormError, sentence, useAction } from "../components/action";
import { Button } from "../components/button";
import { CheckField, TextField } from "../components/field";
import { Badge, Loading, Notice, Page, Section, Tabs, type Tone } from "../components/layout";
import { useLoad } from "../components/load";
import { Table, type Column } from "../components/table";
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

function Form({ first }: { first: Settings }) {
  const [saved, setSaved] = useState(first);
  const [from, setFrom] = useState(String(first.port_from));
  const [to, setTo] = useState(String(first.port_to));
  const [logDays, setLogDays] = useState(String(first.log_days));
  const [historyDays, setHistoryDays] = useState(String(first.history_days));
  const [auditDays, setAuditDays] = useState(String(first.audit_days));
  const [servers, setServers] = useState(String(first.user_servers));
  const [blueprints, setBlueprints] = useState(String(first.user_blueprints));
  const [overlays, setOverlays] = useState(String(first.user_overlays));
  const [isRepairing, setRepairing] = useState(first.repair === "auto");
  const [isOpen, setOpen] = useState(first.metrics_open === "on");
  const save = useAction(async () => {
    const wanted: Settings = {
      port_from: Number(from),
      port_to: Number(to),
      log_days: Number(logDays),
      history_days: Number(historyDays),
      audit_days: Number(auditDays),
      user_servers: Number(servers),
      user_blueprints: Number(blueprints),
      user_overlays: Number(overlays),
      repair: isRepairing ? "auto" : "off",
      metrics_open: isOpen ? "on" : "off",
    };
    const changed = Object.fromEntries(
      Object.entries(wanted).filter(([key, value]) => saved[key as keyof Settings] !== value),
    );
    if (Object.keys(changed).length > 0) setSaved(await api.admin.changeSettings(changed));
    return text.common.saved;
  });
  const numeric = { inputMode: "numeric", maxLength: 6 } as const;
  return (
    <form
      class="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save.run();
      }}
    >
      <div class="form-row">
        <TextField
          name="port_from"
          label={text.settings.portFrom}
          hint={text.settings.portHint}
          value={from}
          onInput={setFrom}
          error={save.error}
          {...numeric}
        />
        <TextField
          name="port_to"
          label={text.settings.portTo}
          value={to}
          onInput={setTo}
          error={save.error}
          {...numeric}
        />
      </div>
      <div class="form-row">
        <TextField
          name="log_days"
          label={text.settings.logDays}
          value={logDays}
          onInput={setLogDays}
          error={save.error}
          {...numeric}
        />
        <TextField
          name="history_days"
          label={text.settings.historyDays}
          value={historyDays}
          onInput={setHistoryDays}
          error={save.error}
          {...numeric}
        />
        <TextField
          name="audit_days"
          label={text.settings.auditDays}
          value={auditDays}
          onInput={setAuditDays}
          error={save.error}
          {...numeric}
        />
      </div>
      <div class="form-row">
        <TextField
          name="user_servers"
          label={text.settings.userServers}
          value={servers}
          onInput={setServers}
          error={save.error}
          {...numeric}
        />
        <TextField
          name="user_blueprints"
          label={text.settings.userBlueprints}
          value={blueprints}
          onInput={setBlueprints}
          error={save.error}
          {...numeric}
        />
        <TextField
          name="user_overlays"
          label={text.settings.userOverlays}
          value={overlays}
          onInput={setOverlays}
          error={save.error}
          {...numeric}
        />
      </div>
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
      <FormError error={save.error} />
      <div class="form-actions">
        <Button kind="primary" submit busy={save.isBusy}>
          {text.common.save}
        </Button>
      </div>
    </form>
  );
}

function SettingsPart() {
  const settings = useLoad(api.admin.settings, []);
  return (
    <Section title={text.settings.title}>
      {settings.data ? (
        <Form first={settings.data} />
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
