// SPDX-License-Identifier: MIT

// layout: what pages are made of.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ApiError } from "../api";
import { path } from "../router";
import { nowUnixS } from "../state/clock";
import { date, relative } from "../format";
import { text } from "../strings";
import { ErrorLine } from "./action";
import { Button } from "./button";
import { Icon, type IconName } from "./icon";

export interface PageProps {
  title: string;
  /** where it belongs, as a link above the title */
  parent?: { href: string; label: string };
  aside?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}

/** A page. Whoever comes to it, comes to its title: a reader hears where he is. */
export function Page(props: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${props.title} · left4me`;
  }, [props.title]);
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement?.closest("nav"))
      heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, []);
  return (
    <div class="page">
      <header class="page-head">
        <div class="page-title">
          {props.parent && (
            <a class="page-parent" href={props.parent.href}>
              <Icon name="back" size={14} />
              {props.parent.label}
            </a>
          )}
          <div class="page-name">
            <h1 tabIndex={-1} ref={heading}>
              {props.title}
            </h1>
            {props.aside}
          </div>
        </div>
        {props.actions && <div class="page-actions">{props.actions}</div>}
      </header>
      {props.children}
    </div>
  );
}

export function Section(props: {
  title: string;
  hint?: ComponentChildren;
  actions?: ComponentChildren;
  children?: ComponentChildren;
}) {
  return (
    <section class="section">
      <header class="section-head">
        <div>
          <h2>{props.title}</h2>
          {props.hint && <p class="hint">{props.hint}</p>}
        </div>
        {props.actions && <div class="section-actions">{props.actions}</div>}
      </header>
      {props.children}
    </section>
  );
}

export interface Tab {
  href: string;
  label: string;
  count?: number | null;
}

/** Pages that belong together: links, so that each has its address. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  const nav = useRef<HTMLElement>(null);
  // On a narrow page they do not all fit: the one that is shown is in view.
  useEffect(() => {
    const current = nav.current?.querySelector('[aria-current="page"]');
    current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [path.value]);
  return (
    <nav class="tabs" aria-label={label} ref={nav}>
      {tabs.map((tab) => (
        <a
          key={tab.href}
          href={tab.href}
          aria-current={path.value === tab.href ? "page" : undefined}
        >
          {tab.label}
          {tab.count ? <span class="count">{tab.count}</span> : null}
        </a>
      ))}
    </nav>
  );
}

/** Nothing there yet, and what to do about it. */
export function Empty(props: {
  icon?: IconName;
  title: string;
  children?: ComponentChildren;
  action?: ComponentChildren;
}) {
  return (
    <div class="empty">
      {props.icon && <Icon name={props.icon} size={28} />}
      <p class="empty-title">{props.title}</p>
      {props.children && <div class="empty-text">{props.children}</div>}
      {props.action && <div class="empty-action">{props.action}</div>}
    </div>
  );
}

/** What is loaded for a part of a page: it keeps its place meanwhile, and can be tried again. */
export function Loading({ error, onRetry }: { error?: ApiError | null; onRetry?: () => void }) {
  if (error)
    return (
      <div class="loading">
        <ErrorLine error={error} />
        {onRetry && (
          <Button icon="restart" onClick={onRetry}>
            {text.common.tryAgain}
          </Button>
        )}
      </div>
    );
  return (
    <div class="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      <span>{text.common.loading}</span>
    </div>
  );
}

export type NoticeKind = "info" | "warning" | "error";

export interface NoticeProps {
  kind: NoticeKind;
  children: ComponentChildren;
  actions?: ComponentChildren;
  /** in the place of a line that is always there, see StatusLine */
  isLine?: boolean;
}

export function Notice(props: NoticeProps) {
  const place = props.isLine ? "status-line" : "notice";
  return (
    <div class={`${place} notice-${props.kind}`}>
      {props.kind !== "info" && <Icon name="warning" />}
      <div class="notice-text" role={props.isLine ? "status" : undefined}>
        {props.children}
      </div>
      {props.actions && <div class="notice-actions">{props.actions}</div>}
    </div>
  );
}

export type Tone = "good" | "busy" | "bad" | "warn" | "calm";

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}

/** Somebody's name, on one line. */
export function Who({ name }: { name: string }) {
  return (
    <span class="who" title={name}>
      {name}
    </span>
  );
}

/** A point in time, said relative to now. */
export function Ago({ at }: { at: number | null | undefined }) {
  if (!at) return <span>–</span>;
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={date(at)}>
      {relative(at, nowUnixS.value)}
    </time>
  );
}

export interface Fact {
  label: string;
  value: ComponentChildren;
}

export function Facts({ facts }: { facts: readonly (Fact | null)[] }) {
  return (
    <dl class="facts">
      {facts.map(
        (fact) =>
          fact && (
            <div key={fact.label}>
              <dt>{fact.label}</dt>
              <dd>{fact.value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

export function Progress({ value, label }: { value: number | null; label: string }) {
  return <progress class="progress" max={100} value={value ?? undefined} aria-label={label} />;
}
