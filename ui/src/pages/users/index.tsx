// SPDX-License-Identifier: MIT

// users: the accounts of all, invitations, and what was changed by whom.

import { Page, Tabs } from "../../components/layout";
import { text } from "../../strings";
import { Accounts } from "./accounts";
import { Audit } from "./audit";

export function UsersPage({ tab }: { tab: string }) {
  return (
    <Page title={text.users.title}>
      <Tabs
        label={text.users.title}
        tabs={[
          { href: "/users", label: text.users.accounts },
          { href: "/users/changes", label: text.audit.title },
        ]}
      />
      {tab === "changes" ? <Audit /> : <Accounts />}
    </Page>
  );
}
