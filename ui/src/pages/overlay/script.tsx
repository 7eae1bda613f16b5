// SPDX-License-Identifier: MIT

import type { Overlay } from "../../api/types";
import { Code } from "../../components/code";
import { text } from "../../strings";
import { NewestBuild } from "./newest";
import { Source } from "./source";

export function ScriptTab({ overlay, onBuild }: { overlay: Overlay; onBuild: () => void }) {
  return (
    <>
      <Source overlay={overlay} label={text.overlay.script} onBuild={onBuild}>
        {(controls) => (
          <Code
            label={text.overlay.script}
            hint={text.overlay.scriptHint}
            language="shell"
            value={controls.value}
            readOnly={controls.isReadOnly}
            onChange={controls.onChange}
            onSave={controls.onSave}
            size="middle"
          />
        )}
      </Source>
      <NewestBuild overlay={overlay.id} />
    </>
  );
}
