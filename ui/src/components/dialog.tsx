// SPDX-License-Identifier: MIT
//
// dialog: a question over the page. The browser's own <dialog> keeps the focus inside, makes the
// rest inert and gives the focus back when it closes.

import { createContext, type ComponentChildren } from "preact";
import { useContext, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { text } from "../strings";
import { ErrorLine, useAction } from "./action";
import { Button } from "./button";
import type { DialogName } from "./dialognames";
import { Form } from "./form";

export interface DialogProps {
  name: DialogName;
  title: string;
  children: ComponentChildren;
  footer?: ComponentChildren;
  wide?: boolean;
  /** it cannot be put away */
  stays?: boolean;
  onClose: () => void;
}

/** So that what is inside knows where it is, as a menu that must lie above it. */
export const DialogContext = createContext(false);

/**
 * Where one begins: what is to be filled in, or what does no harm; not the cross that closes it.
 */
function first(dialog: HTMLElement | null): HTMLElement | null {
  return (
    dialog?.querySelector<HTMLElement>(
      ".dialog-body :is(input:not([hidden]), select, textarea), .dialog-body form .button",
    ) ??
    dialog?.querySelector<HTMLElement>(".dialog-foot .button, .dialog-head .button") ??
    null
  );
}

export function Dialog(props: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    first(dialog)?.focus();
    return () => {
      dialog?.close();
      // It has been taken out of the page already: the browser does not do it then.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <DialogContext.Provider value={true}>
      <dialog
        ref={ref}
        class={props.wide ? "dialog dialog-wide" : "dialog"}
        data-name={props.name}
        aria-labelledby={id}
        onCancel={(event) => {
          event.preventDefault();
          if (!props.stays) props.onClose();
        }}
        onClick={(event) => {
          if (event.target === event.currentTarget && !props.stays) props.onClose();
        }}
      >
        <div class="dialog-box">
          <header class="dialog-head">
            <h2 id={id}>{props.title}</h2>
            {!props.stays && (
              <Button kind="quiet" icon="close" label={text.common.close} onClick={props.onClose} />
            )}
          </header>
          <div class="dialog-body">{props.children}</div>
          {props.footer && <footer class="dialog-foot">{props.footer}</footer>}
        </div>
      </dialog>
    </DialogContext.Provider>
  );
}

export const useIsInDialog = (): boolean => useContext(DialogContext);

export interface ConfirmProps {
  name: DialogName;
  title: string;
  children: ComponentChildren;
  action: string;
  kind?: "primary" | "danger";
  /** has to be typed before it can be done */
  word?: string;
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

/**
 * Asks before something is done that cannot be undone. It stays until that is done, or has failed.
 */
export function Confirm(props: ConfirmProps) {
  const [typed, setTyped] = useState("");
  const act = useAction(async () => {
    await props.onConfirm();
    props.onClose();
  });
  const id = useId();
  const isTyped = !props.word || typed.trim() === props.word;
  return (
    <Dialog
      name={props.name}
      title={props.title}
      onClose={props.onClose}
      footer={
        <>
          <Button onClick={props.onClose}>{text.common.cancel}</Button>
          <Button
            kind={props.kind ?? "danger"}
            busy={act.isBusy}
            disabled={!isTyped}
            submit
            form={id}
          >
            {props.action}
          </Button>
        </>
      }
    >
      <form
        id={id}
        onSubmit={(event) => {
          event.preventDefault();
          if (isTyped) void act.run();
        }}
      >
        <div class="prose">{props.children}</div>
        {props.word && (
          <label class="field">
            <span class="field-label">{text.common.typeToConfirm(props.word)}</span>
            <input
              class="input"
              value={typed}
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
        )}
        <ErrorLine error={act.error} />
      </form>
    </Dialog>
  );
}

/** A form in a dialog. `onSubmit` throws if it fails; the dialog then stays, with the sentence. */
export interface FormDialogProps {
  name: DialogName;
  title: string;
  action: string;
  children: ComponentChildren;
  wide?: boolean;
  onSubmit: () => Promise<string | null | void>;
  onClose: () => void;
}

export function FormDialog(props: FormDialogProps) {
  const id = useId();
  const act = useAction(async () => {
    const result = await props.onSubmit();
    props.onClose();
    return result;
  });
  return (
    <Dialog
      name={props.name}
      title={props.title}
      wide={props.wide ?? false}
      onClose={props.onClose}
      footer={
        <>
          <Button onClick={props.onClose}>{text.common.cancel}</Button>
          <Button kind="primary" busy={act.isBusy} submit form={id}>
            {props.action}
          </Button>
        </>
      }
    >
      <Form id={id} action={act}>
        {props.children}
      </Form>
    </Dialog>
  );
}
