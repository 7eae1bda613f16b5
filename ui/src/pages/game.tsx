// SPDX-License-Identifier: MIT

// game: installing and updating the game, trying an update on some servers first, and giving it to
// all.

import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import type { Overlay } from "../api/types";
import { ErrorLine, useJobAction } from "../components/action";
import { Button } from "../components/button";
import { CheckField, RadioGroup } from "../components/field";
import { StatusLine } from "../components/jobs";
import { Ago, Empty, Facts, Loading, Page, Section } from "../components/layout";
import { useLoad } from "../components/load";
import { isUp } from "../components/serverstate";
import { bytes } from "../format";
import { openJobs } from "../state/jobs";
import { overlays, servers } from "../state/things";
import * as session from "../state/session";
import { text } from "../strings";
import { GenerationsTab } from "./overlay/generations";
import { NewestBuild } from "./overlay/newest";

const GAME = 1; // its overlay

function useInstall() {
  return useJobAction(
    (isHeld: boolean) => api.admin.install(isHeld),
    (job) => (job.result["changed"] === false ? text.game.unchanged : text.game.installed),
  );
}

function Install({ game }: { game: Overlay | undefined }) {
  const [isHeld, setHeld] = useState(false);
  const install = useInstall();
  const isInstalled = Boolean(game?.host?.current);
  const isRunning = openJobs.value.some((job) => job.kind === "game.install");
  return (
    <Section
      title={isInstalled ? text.game.update : text.game.install}
      hint={isInstalled ? text.game.updateHint : text.game.installHint}
    >
      <div class="form">
        {isInstalled && (
          <CheckField
            label={text.game.hold}
            hint={text.game.holdHint}
            checked={isHeld}
            onChange={setHeld}
          />
        )}
        <ErrorLine error={install.error} />
        <div class="form-actions">
          <Button
            kind="primary"
            icon="download"
            busy={install.isBusy || isRunning}
            onClick={() => void install.run(isHeld)}
          >
            {isInstalled ? text.game.updateRun : text.game.installRun}
          </Button>
        </div>
      </div>
    </Section>
  );
}

function Rollout() {
  const [policy, setPolicy] = useState<api.admin.Policy>("wait");
  const rollout = useJobAction(
    (chosen: api.admin.Policy) => api.admin.rollout(chosen),
    () => text.game.rolledOut,
  );
  const waiting = servers.list.value.filter(
    (server) => isUp(server) && server.pending.includes(`overlay ${GAME}`),
  );
  return (
    <Section title={text.game.rollout} hint={text.game.rolloutHint}>
      {waiting.length === 0 ? (
        <p class="hint">{text.game.noneWaiting}</p>
      ) : (
        <>
          <p>{text.game.waiting(waiting.map((server) => server.name))}</p>
          <RadioGroup
            legend={text.game.policy}
            value={policy}
            onChange={setPolicy}
            options={[
              { value: "wait", label: text.game.policyWait, hint: text.game.policyWaitHint },
              { value: "skip", label: text.game.policySkip, hint: text.game.policySkipHint },
              { value: "force", label: text.game.policyForce, hint: text.game.policyForceHint },
            ]}
          />
          <div class="form-actions">
            <Button busy={rollout.isBusy} onClick={() => void rollout.run(policy)}>
              {text.game.rolloutRun}
            </Button>
          </div>
        </>
      )}
      <ErrorLine error={rollout.error} />
    </Section>
  );
}

export function GamePage() {
  useEffect(() => {
    overlays.ensure();
    servers.ensure();
  }, []);
  const loaded = useLoad(async () => {
    const game = await api.admin.game();
    overlays.put(game.overlay);
    return game;
  }, []);
  const game = overlays.find(GAME) ?? loaded.data?.overlay;
  if (!game && !loaded.data) return <Loading error={loaded.error} onRetry={loaded.reload} />;
  const current = game?.host?.current;
  return (
    <Page title={text.game.title}>
      <StatusLine overlay={GAME} />
      {current ? (
        <Facts
          facts={[
            { label: text.game.generation, value: current.generation },
            { label: text.game.build, value: current.note ?? "–" },
            { label: text.overlays.published, value: <Ago at={current.created?.unix_s} /> },
            { label: text.common.size, value: bytes(current.bytes) },
            { label: text.game.disk, value: bytes(game?.host?.disk_bytes) },
          ]}
        />
      ) : (
        <Empty icon="download" title={text.game.none}>
          {text.game.noneHint}
        </Empty>
      )}
      {session.isAdmin() && <Install game={game} />}
      <NewestBuild overlay={GAME} />
      {current && session.isAdmin() && <Rollout />}
      {game && current && <GenerationsTab overlay={game} />}
    </Page>
  );
}
