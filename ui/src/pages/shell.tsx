// SPDX-License-Identifier: MIT

// shell: what every page has around it: where one can go, who one is, whether the page is up to
// date.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../components/button";
import { Icon } from "../components/icon";
import { streamState } from "../events/stream";
import { path } from "../router";
import * as jobs from "../state/jobs";
import * as session from "../state/session";
import { setTheme, theme, type Theme } from "../state/theme";
import { text } from "../strings";
import { Logo } from "./front";

interface Place {
  href: string;
  label: string;
  isAdmin?: boolean;
  count?: number;
}

function places(): Place[] {
  const all: Place[] = [
    { href: "/servers", label: text.nav.servers },
    { href: "/blueprints", label: text.nav.blueprints },
    { href: "/overlays", label: text.nav.overlays },
    { href: "/jobs", label: text.nav.jobs, count: jobs.openJobs.value.length },
    { href: "/game", label: text.nav.game },
    { href: "/users", label: text.nav.users, isAdmin: true },
    { href: "/machine", label: text.nav.machine, isAdmin: true },
  ];
  return all.filter((place) => !place.isAdmin || session.isAdmin());
}

function isHere(href: string): boolean {
  return path.value === href || path.value.startsWith(href + "/");
}

function Connection() {
  const state = streamState.value;
  const words =
    state === "open" ? text.nav.live : state === "waiting" ? text.nav.offline : text.nav.connecting;
  return (
    <div
      class={`connection connection-${state}`}
      title={state === "open" ? text.nav.liveHint : words}
    >
      <span class="dot" aria-hidden="true" />
      <span>{words}</span>
    </div>
  );
}

function ThemeSwitch() {
  const names: Record<Theme, string> = {
    system: text.nav.themeSystem,
    light: text.nav.themeLight,
    dark: text.nav.themeDark,
  };
  return (
    <label class="theme">
      <span class="unseen">{text.nav.theme}</span>
      <select
        class="input input-small"
        value={theme.value}
        onChange={(event) => setTheme(event.currentTarget.value as Theme)}
      >
        {(Object.keys(names) as Theme[]).map((name) => (
          <option key={name} value={name}>
            {names[name]}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => jobs.ensure(), []);
  useEffect(() => setOpen(false), [path.value]);
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={() => document.getElementById("main")?.focus()}>
        {text.nav.skip}
      </a>
      <header class="top">
        <a href="/servers" class="top-logo">
          <Logo />
        </a>
        <button
          type="button"
          class="button button-plain top-menu"
          aria-expanded={isOpen}
          aria-controls="nav"
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name={isOpen ? "close" : "menu"} />
          <span>{text.nav.menu}</span>
        </button>
        <div id="nav" class={isOpen ? "side is-open" : "side"}>
          <nav aria-label={text.nav.label}>
            <ul>
              {places().map((place) => (
                <li key={place.href}>
                  <a
                    href={place.href}
                    aria-current={isHere(place.href) ? "page" : undefined}
                    onClick={() => setOpen(false)}
                  >
                    {place.label}
                    {place.count ? <span class="count">{place.count}</span> : null}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <div class="side-foot">
            <Connection />
            <ThemeSwitch />
            <div class="side-user">
              <a href="/account" aria-current={isHere("/account") ? "page" : undefined}>
                {session.user.value?.name}
              </a>
              <Button small kind="quiet" onClick={() => void session.logout()}>
                {text.nav.logout}
              </Button>
            </div>
          </div>
        </div>
      </header>
      <main id="main" class="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
