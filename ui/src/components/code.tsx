// SPDX-License-Identifier: MIT

// code: an editor of a configuration or a script, as a control of a form.

import { useEffect, useRef, useState } from "preact/hooks";
import { sentence } from "../sentence";
import { text } from "../strings";
import type { CodeLanguage, Editor } from "./codemirror";
import { useFailureOf } from "./form";

export interface CodeProps {
  label: string;
  value: string;
  language: CodeLanguage;
  hint?: string;
  name?: string;
  placeholder?: string;
  readOnly?: boolean;
  size?: "middle" | "tall";
  /** the label is in the heading above */
  isLabelHidden?: boolean;
  onChange?: (value: string) => void;
  onSave?: () => void;
}

export function Code(props: CodeProps) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const latest = useRef(props);
  latest.current = props;
  // What was typed and has not come back as a value yet. Whoever types fast is ahead of what is
  // drawn.
  const ahead = useRef<string[]>([]);
  const [isFailed, setFailed] = useState(false);
  const wrong = useFailureOf(props.name);

  useEffect(() => {
    let isGone = false;
    import("./codemirror").then(
      ({ mount }) => {
        if (isGone || !host.current) return;
        const now = latest.current;
        editor.current = mount(host.current, {
          text: now.value,
          language: now.language,
          label: now.label,
          placeholder: now.placeholder ?? "",
          isReadOnly: now.readOnly ?? false,
          onChange: (value) => {
            ahead.current.push(value);
            latest.current.onChange?.(value);
          },
          onSave: () => latest.current.onSave?.(),
        });
      },
      () => setFailed(true), // it could not be loaded: a plain field does as well
    );
    return () => {
      isGone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);
  useEffect(() => {
    const at = ahead.current.lastIndexOf(props.value);
    if (at >= 0) {
      ahead.current.splice(0, at + 1);
      return;
    }
    ahead.current = [];
    editor.current?.setText(props.value);
  }, [props.value]);
  useEffect(() => editor.current?.setReadOnly(props.readOnly ?? false), [props.readOnly]);
  useEffect(() => {
    if (wrong) editor.current?.focus();
  }, [wrong]);

  return (
    <div class={wrong ? "field is-wrong" : "field"} data-field={props.name}>
      {!props.isLabelHidden && <div class="field-label">{props.label}</div>}
      {isFailed ? (
        <textarea
          class="input mono code-host"
          aria-label={props.label}
          value={props.value}
          readOnly={props.readOnly}
          onInput={(event) => props.onChange?.(event.currentTarget.value)}
        />
      ) : (
        <div
          ref={host}
          class={props.size ? `code-host code-${props.size}` : "code-host"}
          data-label={props.label}
        />
      )}
      {props.hint && <div class="field-hint">{props.hint}</div>}
      <div class="unseen">{text.editor.keys}</div>
      {wrong && (
        <div class="field-error" role="alert">
          {sentence(wrong.message, props.name)}
        </div>
      )}
    </div>
  );
}
