// SPDX-License-Identifier: MIT

// savebar: at the lower edge of what is edited: whether it is saved, and the buttons for it.

import type { ComponentChildren } from "preact";
import type { ApiError } from "../api";
import { text } from "../strings";
import { Button } from "./button";
import { FormError } from "./form";

export interface SaveBarProps {
  isDirty: boolean;
  isBusy: boolean;
  error: ApiError | null;
  onSave: () => void;
  onDiscard: () => void;
  children?: ComponentChildren;
}

export function SaveBar(props: SaveBarProps) {
  return (
    <div class="savebar">
      <FormError error={props.error} />
      <div class="savebar-row">
        <span class="savebar-state" role="status">
          {props.isDirty ? text.common.unsaved : text.editor.allSaved}
        </span>
        {props.children}
        <Button disabled={!props.isDirty || props.isBusy} onClick={props.onDiscard}>
          {text.common.discard}
        </Button>
        <Button kind="primary" disabled={!props.isDirty} busy={props.isBusy} onClick={props.onSave}>
          {text.common.save}
        </Button>
      </div>
    </div>
  );
}
