// SPDX-License-Identifier: MIT

// join: who comes by a link that works once: the first admin, who is invited, who has lost a
// password.
//
// The word of the link stands behind '#', which no browser sends to a server or tells another page.

import { useState } from "preact/hooks";
import { account, ApiError } from "../api";
import { useAction } from "../components/action";
import { PasswordField, TextField } from "../components/field";
import { Form } from "../components/form";
import { Notice } from "../components/layout";
import { navigate } from "../router";
import * as session from "../state/session";
import { text } from "../strings";
import { Front } from "./front";

const PASSWORD_MIN = 10;

export function JoinPage() {
  const [word] = useState(() => decodeURIComponent(location.hash.slice(1)));
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");

  const join = useAction(async () => {
    if (password !== repeated) throw new ApiError("invalid", text.join.mismatch, 0, "repeat");
    const user = await account.join(word, name.trim() || null, password);
    session.user.value = null; // whoever was logged in here before
    session.begin(user);
    await navigate("/servers", { replace: true });
  });

  return (
    <Front title={text.join.title}>
      {word === "" ? (
        <Notice kind="error">{text.join.noWord}</Notice>
      ) : (
        <Form action={join} submit={text.join.submit}>
          <p class="hint">{text.join.intro}</p>
          <TextField
            name="name"
            label={text.join.name}
            hint={text.join.nameHint}
            value={name}
            onInput={setName}
            autocomplete="username"
            autofocus
          />
          <PasswordField
            name="password"
            label={text.join.password}
            hint={text.join.passwordHint(PASSWORD_MIN)}
            value={password}
            onInput={setPassword}
            isNew
          />
          <PasswordField
            name="repeat"
            label={text.join.repeat}
            value={repeated}
            onInput={setRepeated}
            isNew
          />
        </Form>
      )}
    </Front>
  );
}
