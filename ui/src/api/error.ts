// SPDX-License-Identifier: MIT
//
// error: what went wrong with a request. Its message is the sentence that the person reads.

export class ApiError extends Error {
  constructor(
    readonly kind: string,
    message: string,
    /** of HTTP; 0: no answer came */
    readonly status: number,
    /** of what was sent; null: it is about the whole */
    readonly field: string | null = null,
    /** the job that failed; null: it was no job */
    readonly job: number | null = null,
  ) {
    super(message);
  }

  get isConflict(): boolean {
    return this.status === 412;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The error that an answer with such a status tells. `fallback` is for one that tells nothing. */
export function errorOf(status: number, body: unknown, fallback: string): ApiError {
  const error = isRecord(body) ? body["error"] : undefined;
  if (!isRecord(error) || typeof error["message"] !== "string")
    return new ApiError("failed", fallback, status);
  return new ApiError(
    typeof error["kind"] === "string" ? error["kind"] : "failed",
    error["message"],
    status,
    typeof error["field"] === "string" ? error["field"] : null,
  );
}

/** Whatever was thrown, as such an error. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError("failed", thrown instanceof Error ? thrown.message : String(thrown), 0);
}
