// SPDX-License-Identifier: MIT

// source: the text that an overlay is made from, a script or a list: loaded, edited, saved, and
// what happens when somebody else has saved it meanwhile.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import * as api from "../../api";
import { ApiError } from "../../api";
import type { Overlay } from "../../api/types";
import { useAction } from "../../components/action";
import { Button } from "../../components/button";
import { ConflictDialog } from "../../components/conflict";
import { LeaveGuard } from "../../components/leave";
import { Loading } from "../../components/layout";
import { useLoad } from "../../components/load";
import { SaveBar } from "../../components/savebar";
import { text } from "../../strings";

export interface SourceControls {
  value: string;
  isReadOnly: boolean;
  onChange: (value: string) => void;
  onSave: () => void;
}

export interface SourceProps {
  overlay: Overlay;
  label: string;
  onBuild: () => void;
  children: (controls: SourceControls) => ComponentChildren;
}

interface Saved {
  text: string;
  etag: string;
}

async function read(id: number): Promise<Saved> {
  const answer = await api.overlays.readText(id);
  return { text: answer.data.text, etag: answer.etag ?? "" };
}

export function Source(props: SourceProps) {
  const { id } = props.overlay;
  const loaded = useLoad(() => read(id), [id]);
  if (!loaded.data) return <Loading error={loaded.error} onRetry={loaded.reload} />;
  return <Editor {...props} first={loaded.data} />;
}

function Editor({ overlay, label, onBuild, children, first }: SourceProps & { first: Saved }) {
  const [saved, setSaved] = useState(first);
  const [value, setValue] = useState(first.text);
  const [theirs, setTheirs] = useState<Saved | null>(null);
  const isDirty = value !== saved.text;

  async function write(words: string, etag: string): Promise<void> {
    const answer = await api.overlays.writeText(overlay.id, words, etag);
    // Line ends, and the end of the last line, are put right on the way.
    const next = answer.etag ? { text: words, etag: answer.etag } : await read(overlay.id);
    setSaved(next);
    setValue(next.text);
    setTheirs(null);
  }

  const save = useAction(async (isBuilt: boolean) => {
    try {
      if (isDirty) await write(value, saved.etag);
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || !thrown.isConflict) throw thrown;
      setTheirs(await read(overlay.id));
      return null;
    }
    if (isBuilt) onBuild();
    return isBuilt ? null : text.common.saved;
  });

  const resolve = useAction(async (isTheirs: boolean) => {
    if (!theirs) return null;
    if (isTheirs) {
      setSaved(theirs);
      setValue(theirs.text);
      setTheirs(null);
      return null;
    }
    await write(value, theirs.etag);
    return text.common.saved;
  });

  const onSave = (): void => {
    if (isDirty) void save.run(false);
  };
  return (
    <>
      {children({ value, isReadOnly: !overlay.may_edit, onChange: setValue, onSave })}
      {overlay.may_edit && (
        <SaveBar
          isDirty={isDirty}
          isBusy={save.isBusy || resolve.isBusy}
          error={save.error ?? resolve.error}
          onSave={onSave}
          onDiscard={() => setValue(saved.text)}
        >
          <Button disabled={!isDirty || save.isBusy} onClick={() => void save.run(true)}>
            {text.overlay.saveAndBuild}
          </Button>
        </SaveBar>
      )}
      <LeaveGuard isDirty={isDirty} />
      {theirs && (
        <ConflictDialog
          fields={[{ key: "text", label, mine: value, theirs: theirs.text }]}
          taken={[]}
          onResolve={(keys) => void resolve.run(keys.has("text"))}
          onClose={() => setTheirs(null)}
        />
      )}
    </>
  );
}
