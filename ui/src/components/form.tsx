// SPDX-License-Identifier: MIT
//
// form: fields to fill in, and what is asked of the machine with them. The fields learn of its failure
// from here: the one that it is about shows it; otherwise it stands below them all.

import { createContext, type ComponentChildren } from "preact";
import { useContext, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api";
import { ErrorLine, type Action } from "./action";
import { Button } from "./button";

const Failure = createContext<ApiError | null>(null);

/** For fields without a form around them: whose failure it is that they show. */
export const FailureProvider = Failure.Provider;

/** The failure of the form, if it is about the field of that name. */
export function useFailureOf(name: string | undefined): ApiError | null {
  const error = useContext(Failure);
  return name && error?.field === name ? error : null;
}

/** The failure of a form: here, unless it is about a field that shows it itself. */
export function FormError({ error }: { error: ApiError | null }) {
  const place = useRef<HTMLDivElement>(null);
  const [isShown, setShown] = useState(false);
  useLayoutEffect(() => {
    const scope = place.current?.closest("form") ?? document;
    const owner = error?.field ? `[data-field="${CSS.escape(error.field)}"]` : null;
    setShown(error !== null && !(owner && scope.querySelector(owner)));
  }, [error]);
  return (
    <div ref={place} class="error-place">
      {isShown && <ErrorLine error={error} />}
    </div>
  );
}

export interface FormProps {
  action: Pick<Action<[]>, "run" | "isBusy" | "error">;
  /** on its button; without it the button is among what is inside, or elsewhere by `id` */
  submit?: string;
  /** nothing to ask for, as nothing is changed */
  isIdle?: boolean;
  /** beside its button */
  buttons?: ComponentChildren;
  id?: string;
  inline?: boolean;
  children: ComponentChildren;
}

export function Form({ action, submit, isIdle = false, ...props }: FormProps) {
  return (
    <form
      id={props.id}
      class={props.inline ? "form form-inline" : "form"}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!isIdle) void action.run();
      }}
    >
      <FailureProvider value={action.error}>{props.children}</FailureProvider>
      <FormError error={action.error} />
      {submit && (
        <div class="form-actions">
          <Button kind="primary" submit busy={action.isBusy} disabled={isIdle}>
            {submit}
          </Button>
          {props.buttons}
        </div>
      )}
    </form>
  );
}
