// SPDX-License-Identifier: MIT

// fileeditor: one file of the tree, as text.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import * as api from "../../api";
import { ApiError } from "../../api";
import type { Overlay } from "../../api/types";
import { useAction } from "../../components/action";
import { LinkButton } from "../../components/button";
import { Code } from "../../components/code";
import type { CodeLanguage } from "../../components/codemirror";
import { ConflictDialog } from "../../components/conflict";
import { LeaveGuard } from "../../components/leave";
import { Empty, Loading } from "../../components/layout";
import { useLoad } from "../../components/load";
import { SaveBar } from "../../components/savebar";
import { decodeText } from "../../textbytes";
import { text } from "../../strings";

export interface FileEditorProps {
  overlay: Overlay;
  path: string;
  back: string;
  crumbs: ComponentChildren;
}

interface Saved {
  /** null: it is no text */
  text: string | null;
  etag: string;
}

function languageOf(path: string): CodeLanguage {
  if (/\.(cfg|rc)$/i.test(path)) return "cfg";
  return /\.(sh|bash)$/i.test(path) ? "shell" : "text";
}

async function read(overlay: number, path: string): Promise<Saved> {
  const { bytes, etag } = await api.files.read(overlay, path);
  return { text: decodeText(bytes), etag: etag ?? "" };
}

function Editor(props: FileEditorProps & { first: { text: string; etag: string } }) {
  const { overlay, path } = props;
  const [saved, setSaved] = useState(props.first);
  const [value, setValue] = useState(props.first.text);
  const [theirs, setTheirs] = useState<Saved | null>(null);
  const isDirty = value !== saved.text;

  async function write(etag: string): Promise<void> {
    const answer = await api.files.write(overlay.id, path, new Blob([value]), etag);
    setSaved({ text: value, etag: answer.etag ?? (await read(overlay.id, path)).etag });
    setTheirs(null);
  }

  const save = useAction(async () => {
    try {
      await write(saved.etag);
      return text.files.saved;
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || !thrown.isConflict) throw thrown;
      setTheirs(await read(overlay.id, path));
      return null;
    }
  });
  const resolve = useAction(async (isTheirs: boolean) => {
    if (!theirs) return null;
    if (!isTheirs) {
      await write(theirs.etag);
      return text.files.saved;
    }
    const next = { text: theirs.text ?? "", etag: theirs.etag };
    setSaved(next);
    setValue(next.text);
    setTheirs(null);
    return null;
  });

  return (
    <>
      <Code
        label={path}
        isLabelHidden
        language={languageOf(path)}
        value={value}
        readOnly={!overlay.may_edit}
        onChange={setValue}
        onSave={() => isDirty && void save.run()}
        size="tall"
      />
      {overlay.may_edit && (
        <SaveBar
          isDirty={isDirty}
          isBusy={save.isBusy || resolve.isBusy}
          error={save.error ?? resolve.error}
          onSave={() => void save.run()}
          onDiscard={() => setValue(saved.text)}
        >
          <LinkButton href={props.back}>{text.files.backToList}</LinkButton>
        </SaveBar>
      )}
      <LeaveGuard isDirty={isDirty} />
      {theirs && (
        <ConflictDialog
          fields={[{ key: "text", label: path, mine: value, theirs: theirs.text ?? "" }]}
          taken={[]}
          onResolve={(keys) => void resolve.run(keys.has("text"))}
          onClose={() => setTheirs(null)}
        />
      )}
    </>
  );
}

export function FileEditor(props: FileEditorProps) {
  const { overlay, path } = props;
  const loaded = useLoad(() => read(overlay.id, path), [overlay.id, path]);
  const file = loaded.data;
  return (
    <div class="drop-zone">
      {props.crumbs}
      {!file ? (
        <Loading error={loaded.error} onRetry={loaded.reload} />
      ) : file.text === null ? (
        <Empty
          icon="file"
          title={text.upper.viewBinary}
          action={
            <LinkButton icon="download" href={api.files.contentAddress(overlay.id, path)} download>
              {text.common.download}
            </LinkButton>
          }
        />
      ) : (
        <Editor {...props} first={{ text: file.text, etag: file.etag }} />
      )}
    </div>
  );
}
