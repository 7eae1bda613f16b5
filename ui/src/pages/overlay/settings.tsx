// SPDX-License-Identifier: MIT

import { useState } from "preact/hooks";
import * as api from "../../api";
import { ApiError } from "../../api";
import type { Overlay } from "../../api/types";
import { useAction } from "../../components/action";
import { Confirm } from "../../components/dialog";
import { CheckField, NameField, SelectField, TextField } from "../../components/field";
import { Form } from "../../components/form";
import { Section } from "../../components/layout";
import { OwnerSection } from "../../components/owner";
import { bytes, parseSize, writtenSize } from "../../format";
import { navigate } from "../../router";
import { finished } from "../../state/jobs";
import { overlays } from "../../state/things";
import { say } from "../../state/toasts";
import { text } from "../../strings";

export function DeleteOverlay({ overlay, onClose }: { overlay: Overlay; onClose: () => void }) {
  async function del(): Promise<void> {
    await finished(await api.overlays.del(overlay.id));
    await navigate("/overlays", { replace: true });
    overlays.drop(overlay.id);
    say(text.overlay.deleted(overlay.name));
  }
  return (
    <Confirm
      name="overlay-delete"
      title={text.overlay.deleteTitle(overlay.name)}
      action={text.common.delete}
      word={overlay.name}
      onConfirm={del}
      onClose={onClose}
    >
      <p>{text.overlay.deleteText}</p>
    </Confirm>
  );
}

export function SettingsTab({ overlay }: { overlay: Overlay }) {
  const { host } = overlay;
  const [name, setName] = useState(overlay.name);
  const [refresh, setRefresh] = useState(host?.refresh ?? "never");
  const [keep, setKeep] = useState(String(host?.keep || ""));
  const [max, setMax] = useState(host?.output_max_bytes ? writtenSize(host.output_max_bytes) : "");
  const [isShared, setShared] = useState(overlay.shared);

  const save = useAction(async () => {
    const size = max.trim() === "" ? 0 : parseSize(max);
    if (size === null) throw new ApiError("invalid", text.overlay.noSize, 0, "output_max");
    const change: api.overlays.OverlayChange = {
      ...(name !== overlay.name ? { name: name.trim() } : {}),
      ...(refresh !== host?.refresh ? { refresh } : {}),
      ...(Number(keep || 0) !== host?.keep ? { keep: Number(keep || 0) } : {}),
      ...(size !== host?.output_max_bytes ? { output_max: size } : {}),
      ...(isShared !== overlay.shared ? { shared: isShared } : {}),
    };
    if (Object.keys(change).length === 0) return null;
    const job = await api.overlays.change(overlay.id, change);
    if (job) await finished(job);
    overlays.put(await api.overlays.one(overlay.id));
    return text.common.saved;
  });

  return (
    <>
      <Section title={text.overlay.settings}>
        <Form action={save} submit={text.common.save}>
          {overlay.server === null && (
            <NameField hint={text.overlays.nameHint} value={name} onInput={setName} />
          )}
          <div class="form-row">
            <SelectField
              name="refresh"
              label={text.overlays.refresh}
              value={refresh}
              onChange={setRefresh}
              options={[
                { value: "never", label: text.overlays.refreshes.never },
                { value: "daily", label: text.overlays.refreshes.daily },
              ]}
            />
            <TextField
              name="keep"
              label={text.overlay.keep}
              hint={text.overlay.keepHint}
              value={keep}
              onInput={setKeep}
              inputMode="numeric"
            />
            <TextField
              name="output_max"
              label={text.overlay.max}
              hint={text.overlay.maxHint}
              value={max}
              onInput={setMax}
            />
          </div>
          {overlay.server === null && (
            <CheckField
              label={text.overlay.shared}
              hint={text.overlay.sharedHint}
              checked={isShared}
              onChange={setShared}
            />
          )}
        </Form>
        <p class="hint">{text.overlay.disk(bytes(host?.disk_bytes))}</p>
      </Section>
      {overlay.server === null && overlay.type !== "game" && (
        <OwnerSection kind="overlay" thing={overlay} />
      )}
    </>
  );
}
