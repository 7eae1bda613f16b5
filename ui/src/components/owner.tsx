// SPDX-License-Identifier: MIT

// owner: whose a thing is, and an admin's way to give it to somebody else.

import { useState } from "preact/hooks";
import * as api from "../api";
import type { Owner } from "../api/types";
import { isAdmin } from "../state/session";
import { blueprints, overlays, servers } from "../state/things";
import { say } from "../state/toasts";
import { text } from "../strings";
import { Button } from "./button";
import { FormDialog } from "./dialog";
import { SelectField } from "./field";
import { Loading, Section, Who } from "./layout";
import { useLoad } from "./load";

// What is given is another version of it, which the page goes on with.
const gifts = {
  server: async (id: number, owner: number): Promise<void> => {
    await api.servers.give(id, owner);
    servers.put(await api.servers.one(id));
  },
  blueprint: async (id: number, owner: number): Promise<void> => {
    await api.blueprints.give(id, owner);
    blueprints.put(await api.blueprints.one(id));
  },
  overlay: async (id: number, owner: number): Promise<void> => {
    await api.overlays.give(id, owner);
    overlays.put(await api.overlays.one(id));
  },
} as const;

interface OwnedProps {
  kind: keyof typeof gifts;
  thing: { id: number; name: string; owner: Owner | null };
}

function GiveDialog({ kind, thing, onClose }: OwnedProps & { onClose: () => void }) {
  const users = useLoad(api.admin.users, []);
  const [chosen, setChosen] = useState("");
  const others = (users.data ?? []).filter((user) => user.active && user.id !== thing.owner?.id);
  const to = others.find((user) => String(user.id) === chosen) ?? others[0];

  async function submit(): Promise<void> {
    if (!to) return;
    await gifts[kind](thing.id, to.id);
    say(text.owner.given(thing.name, to.name));
  }
  return (
    <FormDialog
      name="give"
      title={text.owner.giveTitle(thing.name)}
      action={text.owner.give}
      onSubmit={submit}
      onClose={onClose}
    >
      {!users.data && <Loading error={users.error} onRetry={users.reload} />}
      {to && (
        <SelectField
          name="owner"
          label={text.owner.to}
          hint={text.owner.stays[kind]}
          value={String(to.id)}
          onChange={setChosen}
          options={others.map((user) => ({ value: String(user.id), label: user.name }))}
        />
      )}
      {users.data && !to && <p class="hint">{text.owner.nobodyElse}</p>}
    </FormDialog>
  );
}

/** A part of the settings of a thing, for admins alone. */
export function OwnerSection({ kind, thing }: OwnedProps) {
  const [isGiving, setGiving] = useState(false);
  if (!isAdmin()) return null;
  return (
    <Section title={text.common.owner} hint={text.owner.hint}>
      <div class="with-button">
        <Who name={thing.owner?.name ?? text.overlays.machine} />
        <Button onClick={() => setGiving(true)}>{text.owner.ask}</Button>
      </div>
      {isGiving && <GiveDialog kind={kind} thing={thing} onClose={() => setGiving(false)} />}
    </Section>
  );
}
