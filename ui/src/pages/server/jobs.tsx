// SPDX-License-Identifier: MIT

import type { Server } from "../../api/types";
import { JobList } from "../../components/joblist";
import { text } from "../../strings";

export function JobsTab({ server }: { server: Server }) {
  return (
    <JobList filter={{ server: server.id }} empty={text.jobs.emptyHere} isAboutShown={false} />
  );
}
