// SPDX-License-Identifier: MIT

// button: what starts something. While it is busy it keeps its place, its width and the focus.

import type { ComponentChildren, TargetedMouseEvent } from "preact";
import { Icon, type IconName } from "./icon";

export type ButtonKind = "plain" | "primary" | "danger" | "quiet";

export interface ButtonProps {
  children?: ComponentChildren;
  kind?: ButtonKind;
  icon?: IconName;
  /** what it is called if there is only an icon */
  label?: string;
  busy?: boolean;
  disabled?: boolean;
  small?: boolean;
  submit?: boolean;
  pressed?: boolean;
  title?: string;
  form?: string;
  onClick?: (event: TargetedMouseEvent<HTMLButtonElement>) => void;
}

export function Button(props: ButtonProps) {
  const { kind = "plain", busy = false } = props;
  const classes = ["button", `button-${kind}`];
  if (props.small) classes.push("button-small");
  if (props.icon && !props.children) classes.push("button-icon");
  if (busy) classes.push("is-busy");
  return (
    <button
      type={props.submit ? "submit" : "button"}
      class={classes.join(" ")}
      disabled={props.disabled ?? false}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      aria-pressed={props.pressed}
      aria-label={props.label}
      title={props.title ?? props.label}
      form={props.form}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else props.onClick?.(event);
      }}
    >
      {props.icon && <Icon name={props.icon} />}
      {props.children && <span>{props.children}</span>}
      {busy && <span class="spinner" aria-hidden="true" />}
    </button>
  );
}

export interface LinkButtonProps {
  href: string;
  children?: ComponentChildren;
  kind?: ButtonKind;
  icon?: IconName;
  label?: string;
  small?: boolean;
  download?: boolean | string;
}

export function LinkButton(props: LinkButtonProps) {
  const classes = ["button", `button-${props.kind ?? "plain"}`];
  if (props.small) classes.push("button-small");
  if (props.icon && !props.children) classes.push("button-icon");
  return (
    <a
      class={classes.join(" ")}
      href={props.href}
      download={props.download === true ? "" : props.download}
      aria-label={props.label}
      title={props.label}
    >
      {props.icon && <Icon name={props.icon} />}
      {props.children && <span>{props.children}</span>}
    </a>
  );
}
