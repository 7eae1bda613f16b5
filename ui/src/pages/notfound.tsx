// SPDX-License-Identifier: MIT

import { LinkButton } from "../components/button";
import { Empty, Page } from "../components/layout";
import { text } from "../strings";

export function NotFound() {
  return (
    <Page title={text.errors.notFoundTitle}>
      <Empty
        title={text.errors.notFound}
        action={<LinkButton href="/servers">{text.errors.toServers}</LinkButton>}
      />
    </Page>
  );
}
