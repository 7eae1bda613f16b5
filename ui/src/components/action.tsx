// SPDX-License-Identifier: MIT
//
// action: something that is asked of the machine. It shows that it is under way, says its result
// once, and keeps the sentence of a failure beside the place where it was asked for.

import { useRef, useState } from "preact/hooks";
import { asApiError, type ApiError } from "../api";
import type { Job } from "../api/types";
import { find, finished } from "../state/jobs";
import { sentence } from "../sentence";
import { say } from "../state/toasts";
import { text } from "../strings";
import { Button } from "./button";
import { Icon } from "./icon";

export interface Action<A extends unknown[]> {
  /** True: it went well. */
  run: (...args: A) => Promise<boolean>;
  isBusy: boolean;
  error: ApiError | null;
  clear: () => void;
}

/** `work` returns what is to be said when it went well; nothing: it shows by itself. */
export function useAction<A extends unknown[]>(
  work: (...args: A) => Promise<string | null | void>,
): Action<A> {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const isRunning = useRef(false);

  async function run(...args: A): Promise<boolean> {
    if (isRunning.current) return false;
    isRunning.current = true;
    setBusy(true);
    setError(null);
    try {
      const result = await work(...args);
      if (result) say(result);
      return true;
    } catch (thrown) {
      setError(asApiError(thrown));
      return false;
    } finally {
      isRunning.current = false;
      setBusy(false);
    }
  }
  return { run, isBusy, error, clear: () => setError(null) };
}

/** An action that is a job: it is under way until the job has ended. */
export function useJobAction<A extends unknown[]>(
  ask: (...args: A) => Promise<Job>,
  result: (job: Job) => string | null,
): Action<A> & { job: Job | undefined } {
  const [id, setId] = useState<number | null>(null);
  const action = useAction(async (...args: A) => {
    const job = await ask(...args);
    setId(job.id);
    return result(await finished(job));
  });
  return { ...action, job: id === null || !action.isBusy ? undefined : find(id) };
}

/** The sentence of a failure. Empty, it takes no room. */
export function ErrorLine({ error, onClose }: { error: ApiError | null; onClose?: () => void }) {
  return (
    <div class="error-place" role="alert">
      {error && (
        <p class="error-line">
          <Icon name="warning" />
          <span>
            {sentence(error.message)}
            {error.job !== null && (
              <>
                {" "}
                <a href={`/jobs/${error.job}`}>{text.jobs.seeLog(error.job)}</a>
              </>
            )}
          </span>
          {onClose && (
            <button
              type="button"
              class="error-close"
              aria-label={text.common.dismiss}
              onClick={onClose}
            >
              <Icon name="close" size={14} />
            </button>
          )}
        </p>
      )}
    </div>
  );
}

export interface ActionButtonProps {
  label: string;
  /** for those who do not see in which row it stands */
  fullLabel?: string;
  /** returns what is to be said when it went well */
  work: () => Promise<string>;
}

/** A small button that does something at once, and has its failure below it. */
export function ActionButton({ label, fullLabel, work }: ActionButtonProps) {
  const action = useAction(work);
  return (
    <>
      <Button
        small
        busy={action.isBusy}
        onClick={() => void action.run()}
        {...(fullLabel ? { label: fullLabel } : {})}
      >
        {label}
      </Button>
      <ErrorLine error={action.error} />
    </>
  );
}
