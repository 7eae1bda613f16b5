// SPDX-License-Identifier: MIT
//
// table: rows of a kind. On a narrow page a row becomes a small card, so that nothing has to be
// scrolled sideways; the roles are spelled out because browsers forget them when a table is laid
// out so.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { text } from "../strings";
import { Button } from "./button";
import { Loading } from "./layout";
import type { Loaded } from "./load";

const SHOWN = 200; // rows at first, and at each step

export interface Column<T> {
  key: string;
  head: string;
  cell: (row: T) => ComponentChildren;
  /** it is what the row is called */
  isName?: boolean;
  /** numbers stand at the right */
  isNumber?: boolean;
  /** not shown on a narrow page */
  isMinor?: boolean;
  /** buttons: the head is for those who do not see */
  isActions?: boolean;
}

export interface TableProps<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  id: (row: T) => string | number;
  /** a class for the row */
  tone?: (row: T) => string | undefined;
}

function classesOf<T>(column: Column<T>): string {
  const classes = [];
  if (column.isNumber) classes.push("is-number");
  if (column.isMinor) classes.push("is-minor");
  if (column.isActions) classes.push("is-actions");
  if (column.isName) classes.push("is-name");
  return classes.join(" ");
}

/** Of a long table the first rows are drawn, and others when they are asked for. */
export function Table<T>(props: TableProps<T>) {
  const [n, setN] = useState(SHOWN);
  const { rows } = props;
  if (rows.length <= n) return <Rows {...props} />;
  return (
    <>
      <Rows {...props} rows={rows.slice(0, n)} />
      <div>
        <Button onClick={() => setN(n + SHOWN)}>{text.common.showMore(n, rows.length)}</Button>
      </div>
    </>
  );
}

export interface LoadedTableProps<T> extends Omit<TableProps<T>, "rows"> {
  list: Pick<Loaded<readonly T[]>, "data" | "error" | "reload">;
  /** said where there are none */
  none?: string;
}

/** A table of what is loaded for it. */
export function LoadedTable<T>({ list, none, ...table }: LoadedTableProps<T>) {
  if (!list.data) return <Loading error={list.error} onRetry={list.reload} />;
  if (none && list.data.length === 0) return <p class="hint">{none}</p>;
  return <Table {...table} rows={list.data} />;
}

function Rows<T>({ label, columns, rows, id, tone }: TableProps<T>) {
  return (
    <table class="table" role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th key={column.key} role="columnheader" scope="col" class={classesOf(column)}>
              {column.isActions ? <span class="unseen">{column.head}</span> : column.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={id(row)} role="row" class={tone?.(row)}>
            {columns.map((column) =>
              column.isName ? (
                <th key={column.key} role="rowheader" scope="row" class={classesOf(column)}>
                  {column.cell(row)}
                </th>
              ) : (
                <td
                  key={column.key}
                  role="cell"
                  class={classesOf(column)}
                  data-head={column.isActions ? undefined : column.head}
                >
                  {column.cell(row)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
