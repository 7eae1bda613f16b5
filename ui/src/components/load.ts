// SPDX-License-Identifier: MIT

// load: something that a part of the page asks for when it is opened, and again when asked to.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { asApiError, type ApiError } from "../api";

export interface Loaded<T> {
  data: T | undefined;
  error: ApiError | null;
  isLoading: boolean;
  reload: () => void;
  set: (data: T) => void;
}

/** `keys` are what it depends on. While it is asked for again, the old one stays. */
export function useLoad<T>(read: () => Promise<T>, keys: readonly unknown[]): Loaded<T> {
  const [data, setData] = useState<T | undefined>(undefined);
  const [error, setError] = useState<ApiError | null>(null);
  const [isLoading, setLoading] = useState(true);
  const turn = useRef(0);

  const reload = useCallback(() => {
    const mine = ++turn.current;
    setLoading(true);
    read().then(
      (result) => {
        if (mine !== turn.current) return;
        setData(result);
        setError(null);
        setLoading(false);
      },
      (thrown: unknown) => {
        if (mine !== turn.current) return;
        setError(asApiError(thrown));
        setLoading(false);
      },
    );
  }, keys);

  useEffect(() => {
    reload();
    return () => {
      turn.current++;
    };
  }, [reload]);

  return { data, error, isLoading, reload, set: setData };
}
