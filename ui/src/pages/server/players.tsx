// SPDX-License-Identifier: MIT

// players: who plays on a server now, and who did. Their names are whatever they like.

import { useEffect } from "preact/hooks";
import * as api from "../../api";
import type { PlayerCount, Players, PlayerSession, PlayerNow, Server } from "../../api/types";
import { Ago, Empty, Loading, Section } from "../../components/layout";
import { useLoad, type Loaded } from "../../components/load";
import { isUp } from "../../components/serverstate";
import { LoadedTable, Table, type Column } from "../../components/table";
import { on, onLost, want } from "../../events/stream";
import { duration, number } from "../../format";
import { text } from "../../strings";

/** "3/8 · c1m1_hotel" */
export function PlayersOf({ count }: { count: PlayerCount }) {
  return (
    <>
      {text.players.of(count.n, count.max)}
      {count.map && ` · ${count.map}`}
    </>
  );
}

const nowColumns = (): Column<PlayerNow>[] => [
  { key: "name", head: text.common.name, isName: true, cell: (player) => player.name },
  {
    key: "score",
    head: text.players.score,
    isNumber: true,
    cell: (player) => number(player.score),
  },
  { key: "joined", head: text.players.joined, cell: (player) => <Ago at={player.since} /> },
];

const pastColumns = (): Column<PlayerSession>[] => [
  { key: "name", head: text.common.name, isName: true, cell: (session) => session.name },
  { key: "joined", head: text.players.joined, cell: (session) => <Ago at={session.joined} /> },
  {
    key: "time",
    head: text.players.time,
    isNumber: true,
    cell: (session) =>
      session.left === null ? text.players.stillThere : duration(session.left - session.joined),
  },
  {
    key: "score",
    head: text.players.score,
    isNumber: true,
    isMinor: true,
    cell: (session) => number(session.score),
  },
];

function Now({ server, players }: { server: Server; players: Players }) {
  if (!isUp(server)) return <Empty title={text.players.notRunning} />;
  if (!players.known) return <Empty title={text.players.unknown}>{text.players.unknownWhy}</Empty>;
  if (players.n === 0) return <Empty title={text.players.nobody} />;
  if (!players.players) return <p class="hint">{text.players.nameless(players.n)}</p>;
  const rows = players.players.map((player, i) => ({ ...player, i }));
  const joining = players.n + players.bots - rows.length;
  return (
    <>
      <Table label={text.players.title} columns={nowColumns()} rows={rows} id={(row) => row.i} />
      {joining > 0 && <p class="hint">{text.players.joining(joining)}</p>}
      {players.bots > 0 && <p class="hint">{text.players.bots(players.bots)}</p>}
    </>
  );
}

/** What is known of them, as events change it. */
function usePlayers(server: number, past: { reload: () => void }): Loaded<Players> {
  const players = useLoad(() => api.servers.players(server), [server]);
  useEffect(() => {
    const ends = [
      want(`players:${server}`),
      on("players", (data) => {
        const told = data as Players;
        if (told.server !== server) return;
        players.set(told);
        past.reload();
      }),
      onLost(() => {
        players.reload();
        past.reload();
      }),
    ];
    return () => ends.forEach((end) => end());
  }, [server]);
  return players;
}

export function PlayersTab({ server }: { server: Server }) {
  const past = useLoad(() => api.servers.pastPlayers(server.id), [server.id]);
  const now = usePlayers(server.id, past);
  return (
    <>
      <Section
        title={text.players.title}
        hint={server.players ? <PlayersOf count={server.players} /> : undefined}
      >
        {now.data ? (
          <Now server={server} players={now.data} />
        ) : (
          <Loading error={now.error} onRetry={now.reload} />
        )}
      </Section>
      <Section title={text.players.past} hint={text.players.pastHint}>
        <LoadedTable
          label={text.players.past}
          columns={pastColumns()}
          list={past}
          none={text.players.pastNone}
          id={(session) => session.id}
        />
      </Section>
    </>
  );
}
