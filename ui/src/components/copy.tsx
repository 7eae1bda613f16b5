// SPDX-License-Identifier: MIT

// copy: puts a text on the clipboard, also where the page is reached without https.

import { useState } from "preact/hooks";
import { text } from "../strings";
import { Button } from "./button";
import { Dialog } from "./dialog";
import type { DialogName } from "./dialognames";

export async function copyText(words: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(words);
    return;
  }
  // Not on a secure page. The old way needs a text that is selected.
  const area = document.createElement("textarea");
  area.value = words;
  area.className = "unseen";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function CopyButton({ words, label }: { words: string | (() => string); label?: string }) {
  const [isDone, setDone] = useState(false);
  return (
    <Button
      small
      icon={isDone ? "check" : "copy"}
      onClick={() => {
        void copyText(typeof words === "string" ? words : words()).then(() => {
          setDone(true);
          window.setTimeout(() => setDone(false), 2000);
        });
      }}
    >
      <span aria-live="polite">{isDone ? text.common.copied : (label ?? text.common.copy)}</span>
    </Button>
  );
}

/** Something that is shown this once. */
export function Secret({ label, value }: { label: string; value: string }) {
  return (
    <div class="secret">
      <div class="secret-label">{label}</div>
      <code class="secret-value">{value}</code>
      <CopyButton words={value} />
    </div>
  );
}

export interface SecretDialogProps {
  name: DialogName;
  title: string;
  intro: string;
  label: string;
  value: string;
  onClose: () => void;
}

export function SecretDialog({ name, title, intro, label, value, onClose }: SecretDialogProps) {
  return (
    <Dialog
      name={name}
      title={title}
      onClose={onClose}
      footer={
        <Button kind="primary" onClick={onClose}>
          {text.common.close}
        </Button>
      }
    >
      <p>{intro}</p>
      <Secret label={label} value={value} />
    </Dialog>
  );
}

export function saveText(name: string, words: string): void {
  const link = document.createElement("a");
  const url = URL.createObjectURL(new Blob([words], { type: "text/plain" }));
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
