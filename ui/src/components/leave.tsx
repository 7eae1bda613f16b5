// SPDX-License-Identifier: MIT

// leave: asks before a page with something unsaved is left.

import { useLayoutEffect, useState } from "preact/hooks";
import { guardLeaving } from "../router";
import { text } from "../strings";
import { Button } from "./button";
import { Dialog } from "./dialog";

export function LeaveGuard({ isDirty }: { isDirty: boolean }) {
  const [answer, setAnswer] = useState<((mayLeave: boolean) => void) | null>(null);
  // Before anything else can happen: who goes back at once is asked as well.
  useLayoutEffect(() => {
    if (!isDirty) return;
    return guardLeaving(() => new Promise<boolean>((resolve) => setAnswer(() => resolve)));
  }, [isDirty]);
  if (!answer) return null;
  const say = (mayLeave: boolean): void => {
    setAnswer(null);
    answer(mayLeave);
  };
  return (
    <Dialog
      name="leave"
      title={text.editor.leaveTitle}
      onClose={() => say(false)}
      footer={
        <>
          <Button onClick={() => say(true)}>{text.editor.leave}</Button>
          <Button kind="primary" onClick={() => say(false)}>
            {text.editor.stay}
          </Button>
        </>
      }
    >
      <p>{text.editor.leaveText}</p>
    </Dialog>
  );
}
