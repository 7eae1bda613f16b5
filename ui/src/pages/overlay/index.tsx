// SPDX-License-Identifier: MIT

// overlay: one overlay: what it is made from, its builds and what they have published.

import { useEffect, useState } from "preact/hooks";
import * as api from "../../api";
import type { Overlay } from "../../api/types";
import { ErrorLine, useJobAction } from "../../components/action";
import { Button } from "../../components/button";
import { Confirm } from "../../components/dialog";
import { JobList } from "../../components/joblist";
import { StatusLine } from "../../components/jobs";
import { Ago, Badge, Loading, Notice, Page, Tabs } from "../../components/layout";
import { useLoad } from "../../components/load";
import { Menu } from "../../components/menu";
import { openJobs } from "../../state/jobs";
import { overlays, servers } from "../../state/things";
import { text } from "../../strings";
import { NotFound } from "../notfound";
import { ContentsTab } from "./contents";
import { FilesTab } from "./files";
import { GenerationsTab } from "./generations";
import { ItemsTab } from "./items";
import { ScriptTab } from "./script";
import { DeleteOverlay, SettingsTab } from "./settings";

type Build = "build" | "hold" | "wipe" | "rollback";

function useBuild(overlay: Overlay) {
  return useJobAction(
    (what: Build) => {
      if (what === "wipe") return api.overlays.wipe(overlay.id);
      if (what === "rollback") return api.overlays.rollback(overlay.id);
      return api.overlays.build(overlay.id, what === "hold");
    },
    (job) => {
      const generation = job.result["generation"];
      if (job.kind === "overlay.rollback") return text.generations.selected(Number(generation));
      return generation
        ? text.overlay.built(overlay.name, Number(generation))
        : text.overlay.unchanged(overlay.name);
    },
  );
}

type BuildAction = ReturnType<typeof useBuild>;

function Actions({ overlay, build }: { overlay: Overlay; build: BuildAction }) {
  const [asked, setAsked] = useState<"wipe" | "delete" | null>(null);
  if (!overlay.may.includes("operate")) return null;
  const mayManage = overlay.may.includes("manage");
  const isBuilding = openJobs.value.some(
    (job) => job.overlay === overlay.id && ["overlay.build", "overlay.wipe"].includes(job.kind),
  );
  return (
    <>
      <Button
        kind="primary"
        icon="play"
        busy={build.isBusy || isBuilding}
        onClick={() => void build.run("build")}
      >
        {text.overlay.build}
      </Button>
      <Menu
        label={text.common.more}
        items={[
          { label: text.overlay.hold, icon: "pause", onSelect: () => void build.run("hold") },
          (overlay.host?.n_generations ?? 0) > 1
            ? {
                label: text.overlay.rollback,
                icon: "back",
                onSelect: () => void build.run("rollback"),
              }
            : null,
          {
            label: text.overlay.wipe,
            icon: "restart",
            kind: "danger",
            onSelect: () => setAsked("wipe"),
          },
          mayManage && overlay.server === null
            ? {
                label: text.common.delete,
                icon: "trash",
                kind: "danger",
                onSelect: () => setAsked("delete"),
              }
            : null,
        ]}
      />
      {asked === "wipe" && (
        <Confirm
          name="overlay-wipe"
          title={text.overlay.wipeTitle(overlay.name)}
          action={text.overlay.wipe}
          onConfirm={async () => void build.run("wipe")}
          onClose={() => setAsked(null)}
        >
          <p>{text.overlay.wipeText}</p>
        </Confirm>
      )}
      {asked === "delete" && <DeleteOverlay overlay={overlay} onClose={() => setAsked(null)} />}
    </>
  );
}

const FIRST: Record<string, string> = { workshop: "items", script: "script", files: "files" };

function Part({ overlay, tab, build }: { overlay: Overlay; tab: string; build: BuildAction }) {
  const onBuild = (): void => void build.run("build");
  switch (tab === "" ? FIRST[overlay.type] : tab) {
    case "items":
      return <ItemsTab overlay={overlay} onBuild={onBuild} />;
    case "script":
      return <ScriptTab overlay={overlay} onBuild={onBuild} />;
    case "files":
      return <FilesTab overlay={overlay} />;
    case "generations":
      return <GenerationsTab overlay={overlay} />;
    case "contents":
      return <ContentsTab overlay={overlay} />;
    case "settings":
      return <SettingsTab overlay={overlay} />;
    case "jobs":
      return (
        <JobList
          filter={{ overlay: overlay.id }}
          empty={text.jobs.emptyHere}
          isAboutShown={false}
        />
      );
    default:
      return <NotFound />;
  }
}

function Known({ overlay, tab }: { overlay: Overlay; tab: string }) {
  const build = useBuild(overlay);
  const base = `/overlays/${overlay.id}`;
  const current = overlay.host?.current;
  const server = overlay.server === null ? null : servers.find(overlay.server);
  const own = server ? text.overlay.ownOf(server.name) : overlay.name;
  return (
    <Page
      title={own}
      parent={
        server
          ? { href: `/servers/${server.id}/files`, label: server.name }
          : { href: "/overlays", label: text.overlays.title }
      }
      aside={
        <span class="badges">
          <Badge tone="calm">{text.overlays.types[overlay.type]}</Badge>
          {overlay.shared && <Badge tone="calm">{text.common.shared}</Badge>}
          {current && (
            <span class="sub">
              {text.overlay.published(current.generation)} <Ago at={current.created?.unix_s} />
            </span>
          )}
        </span>
      }
      actions={<Actions overlay={overlay} build={build} />}
    >
      <ErrorLine error={build.error} onClose={build.clear} />
      <StatusLine overlay={overlay.id}>
        {overlay.host && !current && (
          <Notice isLine kind="info">
            {text.overlay.notBuilt}
          </Notice>
        )}
      </StatusLine>
      {!overlay.may_edit && (
        <Notice kind="info">{text.overlay.readOnly(overlay.owner?.name ?? "")}</Notice>
      )}
      <Tabs
        label={text.overlay.tabs}
        tabs={[
          { href: base, label: text.overlay.tabsOf[FIRST[overlay.type] ?? ""] ?? overlay.type },
          {
            href: `${base}/generations`,
            label: text.generations.title,
            count: overlay.host?.n_generations ?? 0,
          },
          { href: `${base}/contents`, label: text.overlay.contents },
          ...(overlay.may.includes("manage")
            ? [{ href: `${base}/settings`, label: text.overlay.settings }]
            : []),
          { href: `${base}/jobs`, label: text.nav.jobs },
        ]}
      />
      <Part overlay={overlay} tab={tab} build={build} />
    </Page>
  );
}

export function OverlayPage({ id, tab }: { id: number; tab: string }) {
  useEffect(() => {
    overlays.ensure();
    servers.ensure();
  }, []);
  const loaded = useLoad(async () => {
    const overlay = await api.overlays.one(id);
    overlays.put(overlay);
    return overlay;
  }, [id]);
  const overlay = overlays.find(id);
  if (overlay) return <Known overlay={overlay} tab={tab} />;
  if (loaded.error?.kind === "not-found" || (loaded.data && overlays.isReady.value))
    return <NotFound />;
  return <Loading error={loaded.error} onRetry={loaded.reload} />;
}
