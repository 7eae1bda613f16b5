// SPDX-License-Identifier: MIT

import type { Server } from "../../api/types";

export function StackTab({ server }: { server: Server }) {
  return <p>{server.name}</p>;
}
