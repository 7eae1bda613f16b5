// SPDX-License-Identifier: MIT

// account: one's own password, second factor, sessions and tokens, and how the page looks.

import { ErrorLine, useAction } from "../../components/action";
import { Button } from "../../components/button";
import { SelectField } from "../../components/field";
import { Badge, Page, Section } from "../../components/layout";
import * as session from "../../state/session";
import { say } from "../../state/toasts";
import { language, languages, setLanguage, text } from "../../strings";
import { Password } from "./password";
import { Sessions } from "./sessions";
import { Tokens } from "./tokens";
import { Totp } from "./totp";

function Language() {
  if (languages().length < 2) return null;
  return (
    <Section title={text.account.language}>
      <div class="form-row form-row-narrow">
        <SelectField
          label={text.account.language}
          value={language()}
          options={languages()}
          onChange={setLanguage}
        />
      </div>
    </Section>
  );
}

export function AccountPage() {
  const logout = useAction(async () => {
    await session.logout();
    say(text.nav.logout);
  });
  const user = session.user.value;
  return (
    <Page
      title={user?.name ?? text.nav.account}
      aside={user && <Badge tone="calm">{text.users.roles[user.role]}</Badge>}
      actions={
        <Button busy={logout.isBusy} onClick={() => void logout.run()}>
          {text.nav.logout}
        </Button>
      }
    >
      <ErrorLine error={logout.error} />
      <Password />
      <Totp />
      <Sessions />
      <Tokens />
      <Language />
    </Page>
  );
}
