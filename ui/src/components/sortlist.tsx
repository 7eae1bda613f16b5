// SPDX-License-Identifier: MIT
//
// sortlist: rows in an order that people choose: by dragging the handle, with the arrow keys on it,
// or with the buttons. Whoever does not see it hears where the row is now.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { text } from "../strings";
import { Button } from "./button";
import { Icon } from "./icon";

export interface SortListProps<T> {
  label: string;
  rows: readonly T[];
  id: (row: T) => number;
  name: (row: T) => string;
  row: (row: T) => ComponentChildren;
  disabled?: boolean;
  onChange: (rows: T[]) => void;
  onRemove: (row: T) => void;
}

function moved<T>(rows: readonly T[], from: number, to: number): T[] {
  const next = rows.slice();
  const [row] = next.splice(from, 1);
  if (row !== undefined) next.splice(to, 0, row);
  return next;
}

export function SortList<T>(props: SortListProps<T>) {
  const { rows } = props;
  const list = useRef<HTMLOListElement>(null);
  const dragged = useRef<number | null>(null);
  const focusAfter = useRef<number | null>(null);
  const [isDragging, setDragging] = useState<number | null>(null);
  const [said, setSaid] = useState("");

  // Its element may be another one after the move.
  useLayoutEffect(() => {
    if (focusAfter.current === null) return;
    list.current
      ?.querySelector<HTMLElement>(`[data-row="${focusAfter.current}"] .sort-handle`)
      ?.focus();
    focusAfter.current = null;
  });

  function move(from: number, to: number): void {
    const row = rows[from];
    if (row === undefined || to < 0 || to >= rows.length || from === to) return;
    setSaid(text.sort.moved(props.name(row), to + 1, rows.length));
    props.onChange(moved(rows, from, to));
  }

  function onKey(event: KeyboardEvent, at: number): void {
    const targets: Record<string, number> = {
      ArrowUp: at - 1,
      ArrowDown: at + 1,
      Home: 0,
      End: rows.length - 1,
    };
    const to = targets[event.key];
    const row = rows[at];
    if (to === undefined || row === undefined) return;
    event.preventDefault();
    focusAfter.current = props.id(row);
    move(at, to);
  }

  function onDrag(event: PointerEvent): void {
    const id = dragged.current;
    if (id === null || !list.current) return;
    const from = rows.findIndex((row) => props.id(row) === id);
    const items = [...list.current.children];
    const before = items.filter((item, i) => {
      const box = item.getBoundingClientRect();
      return i !== from && event.clientY > box.top + box.height / 2;
    });
    move(from, before.length);
  }

  function stop(): void {
    dragged.current = null;
    setDragging(null);
  }

  return (
    <>
      <ol class="sort" aria-label={props.label} ref={list}>
        {rows.map((row, at) => {
          const id = props.id(row);
          const name = props.name(row);
          return (
            <li
              key={id}
              data-row={id}
              class={isDragging === id ? "sort-row is-dragged" : "sort-row"}
            >
              {!props.disabled && (
                <button
                  type="button"
                  class="sort-handle"
                  aria-label={text.sort.handle(name, at + 1, rows.length)}
                  title={text.sort.hint}
                  onKeyDown={(event) => onKey(event, at)}
                  onPointerDown={(event) => {
                    event.currentTarget.setPointerCapture(event.pointerId);
                    dragged.current = id;
                    setDragging(id);
                  }}
                  onPointerMove={onDrag}
                  onPointerUp={stop}
                  onPointerCancel={stop}
                >
                  <Icon name="drag" />
                </button>
              )}
              <div class="sort-content">{props.row(row)}</div>
              {!props.disabled && (
                <div class="sort-buttons">
                  <Button
                    small
                    kind="quiet"
                    icon="up"
                    label={text.sort.up(name)}
                    disabled={at === 0}
                    onClick={() => move(at, at - 1)}
                  />
                  <Button
                    small
                    kind="quiet"
                    icon="down"
                    label={text.sort.down(name)}
                    disabled={at === rows.length - 1}
                    onClick={() => move(at, at + 1)}
                  />
                  <Button
                    small
                    kind="quiet"
                    icon="close"
                    label={text.sort.remove(name)}
                    onClick={() => props.onRemove(row)}
                  />
                </div>
              )}
            </li>
          );
        })}
      </ol>
      <div class="unseen" role="status">
        {said}
      </div>
    </>
  );
}
