// SPDX-License-Identifier: MIT
//
// codemirror: the editor itself, in a part of the bundle that is loaded when it is first needed.
//
// It lives in a shadow root: there its styles are constructed style sheets. In the page it would
// make a <style> element, which the policy of left4me-web forbids.

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import {
  HighlightStyle,
  StreamLanguage,
  syntaxHighlighting,
  type StreamParser,
} from "@codemirror/language";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { tags, Tag } from "@lezer/highlight";
import { cfgTokens, type CfgKind, type CfgToken } from "./cfg";

export type CodeLanguage = "cfg" | "shell" | "text";

export interface EditorOptions {
  text: string;
  language: CodeLanguage;
  label: string;
  describedBy?: string;
  placeholder?: string;
  isReadOnly: boolean;
  onChange: (text: string) => void;
  onSave?: () => void;
}

export interface Editor {
  setText(text: string): void;
  setReadOnly(isReadOnly: boolean): void;
  focus(): void;
  destroy(): void;
}

const KINDS: Record<CfgKind, Tag | null> = {
  comment: tags.comment,
  string: tags.string,
  command: tags.keyword,
  setting: tags.propertyName,
  number: tags.number,
  separator: tags.separator,
  value: null,
};

// Nothing goes on from one line to the next, so each is taken apart as a whole.
const cfg: StreamParser<{ tokens: CfgToken[] }> = {
  startState: () => ({ tokens: [] }),
  token(stream, state) {
    if (stream.sol()) state.tokens = cfgTokens(stream.string);
    const token = state.tokens.find((one) => one.to > stream.pos);
    if (!token) {
      stream.skipToEnd();
      return null;
    }
    if (token.from > stream.pos) {
      stream.pos = token.from;
      return null;
    }
    stream.pos = token.to;
    return KINDS[token.kind] ? token.kind : null;
  },
  copyState: (state) => ({ tokens: state.tokens }),
  tokenTable: Object.fromEntries(
    Object.entries(KINDS).filter((entry): entry is [string, Tag] => entry[1] !== null),
  ),
};

const highlight = HighlightStyle.define([
  { tag: tags.comment, color: "var(--code-comment)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--code-string)" },
  {
    tag: [tags.keyword, tags.standard(tags.variableName)],
    color: "var(--code-word)",
    fontWeight: "600",
  },
  { tag: [tags.propertyName, tags.definition(tags.variableName)], color: "var(--code-word)" },
  { tag: tags.number, color: "var(--code-number)" },
  { tag: tags.separator, color: "var(--code-number)", fontWeight: "600" },
]);

const look = EditorView.theme({
  "&": {
    height: "100%",
    color: "var(--text)",
    backgroundColor: "var(--surface)",
    fontSize: "13px",
  },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--text)", padding: "6px 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--muted)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine, &.cm-focused .cm-activeLineGutter": {
    backgroundColor: "color-mix(in srgb, var(--calm-soft) 60%, transparent)",
  },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    {
      backgroundColor: "color-mix(in srgb, var(--focus) 30%, transparent)",
    },
  ".cm-placeholder": { color: "var(--muted)" },
  ".cm-specialChar": { color: "var(--bad)" },
});

function languageOf(language: CodeLanguage): Extension {
  if (language === "cfg") return StreamLanguage.define(cfg);
  return language === "shell" ? StreamLanguage.define(shell) : [];
}

function attributes(options: EditorOptions): Record<string, string> {
  return {
    "aria-label": options.label,
    spellcheck: "false",
    autocapitalize: "off",
    autocorrect: "off",
    translate: "no",
  };
}

const readOnly = (isReadOnly: boolean): Extension => [
  EditorState.readOnly.of(isReadOnly),
  // It can be focused all the same, to be scrolled and copied from.
  EditorView.contentAttributes.of({ "aria-readonly": String(isReadOnly) }),
];

export function mount(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const lock = new Compartment();
  let isSetting = false;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        lineNumbers(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        EditorView.lineWrapping,
        // Tab goes on to the next control, as everywhere.
        keymap.of([
          { key: "Mod-s", preventDefault: true, run: () => (options.onSave?.(), true) },
          ...defaultKeymap,
          ...historyKeymap,
        ]),
        languageOf(options.language),
        syntaxHighlighting(highlight),
        look,
        EditorView.contentAttributes.of(attributes(options)),
        placeholder(options.placeholder ?? ""),
        lock.of(readOnly(options.isReadOnly)),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !isSetting) options.onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    setText(text) {
      if (text === view.state.doc.toString()) return;
      isSetting = true;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
      isSetting = false;
    },
    setReadOnly: (isReadOnly) => view.dispatch({ effects: lock.reconfigure(readOnly(isReadOnly)) }),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
