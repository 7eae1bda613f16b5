// SPDX-License-Identifier: MIT

// contents: what is inside the current generation of an overlay, and what is known to be wrong in
// it.

import * as api from "../../api";
import type { Overlay } from "../../api/types";
import { Empty, Loading } from "../../components/layout";
import { useLoad } from "../../components/load";
import { StackView } from "../../components/stackview";
import { text } from "../../strings";

export function ContentsTab({ overlay }: { overlay: Overlay }) {
  const generation = overlay.host?.current?.generation ?? null;
  const contents = useLoad(
    async () => (generation === null ? null : await api.overlays.explain(overlay.id)),
    [overlay.id, generation],
  );
  if (contents.data === undefined)
    return <Loading error={contents.error} onRetry={contents.reload} />;
  if (contents.data === null)
    return <Empty title={text.generations.empty}>{text.generations.emptyHint}</Empty>;
  return <StackView stack={contents.data} hasLayers={false} />;
}
