// SPDX-License-Identifier: MIT

// password: a new one for oneself.

import { useState } from "preact/hooks";
import * as api from "../../api";
import { ApiError } from "../../api";
import { useAction } from "../../components/action";
import { PasswordField } from "../../components/field";
import { Form } from "../../components/form";
import { Section } from "../../components/layout";
import * as session from "../../state/session";
import { text } from "../../strings";

export function Password() {
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
      <Form action={save} submit={text.account.setPassword}>
        {/* So that a password manager knows whose it is. */}
        <input hidden autocomplete="username" value={session.user.value?.name} readOnly />
        <PasswordField
          name="old_password"
          label={text.account.oldPassword}
          value={old}
          onInput={setOld}
        />
        <div class="form-row">
          <PasswordField
            name="password"
            label={text.account.newPassword}
            isNew
            value={password}
            onInput={setPassword}
          />
          <PasswordField
            name="repeat"
            label={text.join.repeat}
            isNew
            value={repeated}
            onInput={setRepeated}
          />
        </div>
      </Form>
    </Section>
  );
}
