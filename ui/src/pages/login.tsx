// SPDX-License-Identifier: MIT

// login: who comes without a session. The form is also what is asked over the page when one has
// ended.

import { useState } from "preact/hooks";
import { account, ApiError } from "../api";
import { useAction } from "../components/action";
import { Button } from "../components/button";
import { Dialog } from "../components/dialog";
import { PasswordField, TextField } from "../components/field";
import { Form } from "../components/form";
import { Loading } from "../components/layout";
import { useLoad } from "../components/load";
import * as session from "../state/session";
import { text } from "../strings";
import { Front } from "./front";

function LoginForm({ name: known }: { name?: string }) {
  const [name, setName] = useState(known ?? "");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [isCodeAsked, setCodeAsked] = useState(false);

  const login = useAction(async () => {
    try {
      session.begin(await account.login(name, password, isCodeAsked ? code.trim() : undefined));
    } catch (thrown) {
      // The password was right: now the second step. Only a wrong code is an error.
      if (thrown instanceof ApiError && thrown.field === "code" && !isCodeAsked) {
        setCodeAsked(true);
        return;
      }
      throw thrown;
    }
  });

  return (
    <Form
      action={login}
      submit={text.login.submit}
      buttons={
        isCodeAsked && (
          <Button
            onClick={() => {
              setCodeAsked(false);
              setCode("");
              login.clear();
            }}
          >
            {text.login.back}
          </Button>
        )
      }
    >
      {isCodeAsked ? (
        <TextField
          key="code"
          name="code"
          label={text.login.code}
          hint={text.login.codeHint}
          value={code}
          onInput={setCode}
          autocomplete="one-time-code"
          autofocus
          mono
        />
      ) : (
        <>
          <TextField
            name="name"
            label={text.login.name}
            value={name}
            onInput={setName}
            autocomplete="username"
            readOnly={known !== undefined}
            autofocus={known === undefined}
          />
          <PasswordField
            name="password"
            label={text.login.password}
            value={password}
            onInput={setPassword}
            autofocus={known !== undefined}
          />
        </>
      )}
    </Form>
  );
}

function SetUp({ onRetry }: { onRetry: () => void }) {
  return (
    <div class="prose">
      <p>{text.setup.intro}</p>
      <pre class="command">
        <code>{text.setup.command}</code>
      </pre>
      <p>{text.setup.then}</p>
      <Button icon="restart" onClick={onRetry}>
        {text.setup.again}
      </Button>
    </div>
  );
}

export function LoginPage() {
  const setup = useLoad(account.setup, []);
  if (setup.data === undefined)
    return (
      <Front title={text.login.title}>
        <Loading error={setup.error} onRetry={setup.reload} />
      </Front>
    );
  if (setup.data.needed)
    return (
      <Front title={text.setup.title}>
        <SetUp onRetry={setup.reload} />
      </Front>
    );
  return (
    <Front title={text.login.title}>
      <LoginForm />
      <p class="hint">{text.login.forgot}</p>
    </Front>
  );
}

/** Over the page that somebody works on. */
export function ExpiredDialog() {
  const name = session.user.value?.name;
  return (
    <Dialog name="log-in-again" title={text.login.expiredTitle} stays onClose={() => {}}>
      <p class="hint">{text.login.expired}</p>
      <LoginForm {...(name === undefined ? {} : { name })} />
    </Dialog>
  );
}
