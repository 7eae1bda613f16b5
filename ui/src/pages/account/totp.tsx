// SPDX-License-Identifier: MIT

// totp: the second factor of a login, begun, confirmed and ended.

import { useState } from "preact/hooks";
import * as api from "../../api";
import { ErrorLine, useAction } from "../../components/action";
import { Button } from "../../components/button";
import { CopyButton, Secret } from "../../components/copy";
import { Dialog, FormDialog } from "../../components/dialog";
import { PasswordField, TextField } from "../../components/field";
import { Section } from "../../components/layout";
import { useLoad } from "../../components/load";
import { QrCode } from "../../components/qrcode";
import * as session from "../../state/session";
import { text } from "../../strings";

async function reloadMe(): Promise<void> {
  session.user.value = await api.account.me();
}

function TotpDialog(props: {
  start: api.account.TotpStart;
  onCodes: (codes: string[]) => void;
  onClose: () => void;
}) {
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const { start } = props;
  async function submit(): Promise<void> {
    const codes = await api.account.totpConfirm(code.trim(), password);
    await reloadMe();
    props.onCodes(codes);
  }
  return (
    <FormDialog
      name="totp-begin"
      title={text.totp.title}
      action={text.totp.confirm}
      onSubmit={submit}
      onClose={props.onClose}
    >
      <p>{text.totp.intro}</p>
      <QrCode words={start.uri} label={text.totp.picture} />
      <Secret label={text.totp.secret} value={start.secret} />
      <p>
        <a href={start.uri}>{text.totp.open}</a>
      </p>
      <TextField
        name="code"
        label={text.login.code}
        hint={text.totp.codeHint}
        value={code}
        onInput={setCode}
        autocomplete="one-time-code"
        inputMode="numeric"
        mono
      />
      <PasswordField
        name="password"
        label={text.login.password}
        value={password}
        onInput={setPassword}
      />
    </FormDialog>
  );
}

function CodesDialog({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  return (
    <Dialog
      name="totp-codes"
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
      name="totp-end"
      title={text.totp.endTitle}
      action={text.totp.end}
      onSubmit={submit}
      onClose={onClose}
    >
      <PasswordField
        name="password"
        label={text.login.password}
        value={password}
        onInput={setPassword}
        autofocus
      />
    </FormDialog>
  );
}

export function Totp() {
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
