// SPDX-License-Identifier: MIT

// app: which page is shown, and what lies around it.

import { Component, type ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Button } from "./components/button";
import { Loading } from "./components/layout";
import { Toasts } from "./components/toasts";
import { Front } from "./pages/front";
import { JoinPage } from "./pages/join";
import { ExpiredDialog, LoginPage } from "./pages/login";
import { routes } from "./pages/routes";
import { Shell } from "./pages/shell";
import { NotFound } from "./pages/notfound";
import { match, navigate, path, type Parameters } from "./router";
import * as session from "./state/session";
import { text } from "./strings";

/** A mistake in one page leaves the others usable. */
class Boundary extends Component<{ children: ComponentChildren }, { failed: boolean }> {
  override state = { failed: false };

  static override getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(thrown: unknown): void {
    console.error(thrown);
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <div class="page" role="alert">
        <p>{text.errors.crash}</p>
        <Button icon="restart" onClick={() => location.reload()}>
          {text.errors.reload}
        </Button>
      </div>
    );
  }
}

function find(): { key: string; page: ComponentChildren } {
  for (const route of routes) {
    const parameters: Parameters | null = match(route.pattern, path.value);
    if (!parameters) continue;
    if (route.isAdmin && !session.isAdmin()) break;
    // Tabs of one thing are one page: it stays as it is while they change.
    return { key: route.pattern + (parameters["id"] ?? ""), page: route.page(parameters) };
  }
  return { key: "none", page: <NotFound /> };
}

function Inside() {
  useEffect(() => {
    if (path.value === "/" || path.value === "/login") void navigate("/servers", { replace: true });
  }, [path.value]);
  const { key, page } = find();
  return (
    <Shell>
      <Boundary key={key}>{page}</Boundary>
    </Shell>
  );
}

function Content() {
  if (path.value === "/join") return <JoinPage />;
  if (session.sessionError.value)
    return (
      <Front title="left4me">
        <Loading error={session.sessionError.value} onRetry={() => void session.load()} />
      </Front>
    );
  if (session.user.value === undefined) return <div class="front" aria-busy="true" />;
  if (session.user.value === null) return <LoginPage />;
  return <Inside />;
}

export function App() {
  return (
    <>
      <Content />
      {session.isExpired.value && <ExpiredDialog />}
      <Toasts />
    </>
  );
}
