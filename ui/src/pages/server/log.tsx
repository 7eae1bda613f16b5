// SPDX-License-Identifier: MIT

import { useEffect, useMemo, useState } from "preact/hooks";
import type { Server } from "../../api/types";
import { LogView } from "../../components/logview";
import { serverLog } from "../../state/logs";
import { text } from "../../strings";

export function LogTab({ server }: { server: Server }) {
  const [isAllRuns, setAllRuns] = useState(false);
  const feed = useMemo(() => serverLog(server.id, isAllRuns), [server.id, isAllRuns]);
  useEffect(() => () => feed.stop(), [feed]);
  return (
    <LogView
      feed={feed}
      label={text.server.logLabel(server.name)}
      fileName={`${server.instance}.log`}
      empty={text.server.logEmpty}
      isLive
      tools={
        <select
          class="input input-small"
          aria-label={text.server.logWhich}
          value={isAllRuns ? "all" : "newest"}
          onChange={(event) => setAllRuns(event.currentTarget.value === "all")}
        >
          <option value="newest">{text.server.logCurrent}</option>
          <option value="all">{text.server.logAll}</option>
        </select>
      }
    />
  );
}
