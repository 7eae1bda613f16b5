// SPDX-License-Identifier: MIT

import { dismiss, toasts } from "../state/toasts";
import { text } from "../strings";
import { Icon } from "./icon";

/** Always there, so that what comes into it is read out. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class="toast">
          <Icon name="check" />
          <span>{toast.message}</span>
          <button
            type="button"
            class="toast-close"
            aria-label={text.common.dismiss}
            onClick={() => dismiss(toast.id)}
          >
            <Icon name="close" size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
