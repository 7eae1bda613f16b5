// SPDX-License-Identifier: MIT

// conflict: somebody else has saved meanwhile. Both versions are shown, and nothing of either is
// lost.

import { useState } from "preact/hooks";
import { text } from "../strings";
import { Button } from "./button";
import { Dialog } from "./dialog";

export interface ConflictField {
  key: string;
  label: string;
  mine: string;
  theirs: string;
}

export interface ConflictProps {
  fields: readonly ConflictField[];
  /** labels of what only they have changed, and what is taken over */
  taken: readonly string[];
  /** `theirs` are the keys of which theirs is wanted */
  onResolve: (theirs: ReadonlySet<string>) => void;
  onClose: () => void;
}

function Choice(props: {
  field: ConflictField;
  isTheirs: boolean;
  onChoose: (isTheirs: boolean) => void;
}) {
  const { field, isTheirs, onChoose } = props;
  const sides = [
    { isTheirs: false, label: text.conflict.mine, words: field.mine },
    { isTheirs: true, label: text.conflict.theirs, words: field.theirs },
  ];
  return (
    <fieldset class="conflict">
      <legend class="field-label">{field.label}</legend>
      {sides.map((side) => (
        <div key={side.label} class="conflict-side">
          <label class="check">
            <input
              type="radio"
              name={`conflict-${field.key}`}
              checked={isTheirs === side.isTheirs}
              onChange={() => onChoose(side.isTheirs)}
            />
            <span>{side.label}</span>
          </label>
          <pre class="plain-text" tabIndex={0} aria-label={`${field.label}: ${side.label}`}>
            {side.words || text.conflict.empty}
          </pre>
        </div>
      ))}
    </fieldset>
  );
}

export function ConflictDialog({ fields, taken, onResolve, onClose }: ConflictProps) {
  const [theirs, setTheirs] = useState<ReadonlySet<string>>(new Set());
  function choose(key: string, isTheirs: boolean): void {
    const next = new Set(theirs);
    if (isTheirs) next.add(key);
    else next.delete(key);
    setTheirs(next);
  }
  return (
    <Dialog
      name="conflict"
      title={text.conflict.title}
      wide
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{text.conflict.back}</Button>
          <Button kind="primary" onClick={() => onResolve(theirs)}>
            {text.conflict.save}
          </Button>
        </>
      }
    >
      <p>{fields.length > 0 ? text.conflict.both : text.conflict.noneBoth}</p>
      {taken.length > 0 && <p class="hint">{text.conflict.taken(taken)}</p>}
      {fields.map((field) => (
        <Choice
          key={field.key}
          field={field}
          isTheirs={theirs.has(field.key)}
          onChoose={(isTheirs) => choose(field.key, isTheirs)}
        />
      ))}
    </Dialog>
  );
}
