// SPDX-License-Identifier: MIT
//
// walk: what somebody does with the page from the first link to the last server that he deletes. Each
// step leaves the browser where the next one begins; it waits for what it has asked for, and looks
// at what it sees on the way.

import { installGame, logInAgain, setUp } from "./first.mjs";
import { leaving, sessionEnds, twoSave } from "./meanwhile.mjs";
import { files, generations, script, workshop } from "./overlays.mjs";
import { account, machine, users } from "./people.mjs";
import {
  blueprint,
  partsOfServer,
  resetAndDelete,
  restartToApply,
  server,
  settingsOfServer,
  start,
  written,
} from "./servers.mjs";
import { strange } from "./strange.mjs";
import { choose, exactly } from "./words.mjs";

async function deleteTheRest(visit, world) {
  const { page } = visit;
  await page.goto(world.blueprintUrl);
  await choose(page, "More actions", "Delete");
  await visit.look("delete a blueprint");
  await exactly(visit.dialog(), "Delete").click();
  await visit.told("is deleted.");
  await visit.go("Overlays");
  await page.getByRole("link", { name: world.script, exact: true }).click();
  await choose(page, "More actions", "Delete");
  await visit.dialog().getByRole("textbox").fill(world.script);
  await exactly(visit.dialog(), "Delete").click();
  await visit.told(`${world.script} is deleted.`);
  await visit.look("overlays");
}

export const steps = {
  "set-up by the first link": setUp,
  "logging out and in": logInAgain,
  "the game": installGame,
  "a Workshop overlay": workshop,
  "a script overlay": script,
  "generations, differences, rollback": generations,
  "an overlay of files": files,
  "a blueprint": blueprint,
  "a server": server,
  "start and live log": start,
  "change, restart to apply": restartToApply,
  "stack, files and jobs of a server": partsOfServer,
  "settings of a server": settingsOfServer,
  "the session ends in mid-edit": sessionEnds,
  "two save at once": twoSave,
  "leaving what is not saved": leaving,
  "the own account": account,
  "users and changes": users,
  "machine, settings, jobs": machine,
  "a strange text in every field": strange,
  "what the game wrote": written,
  "reset and delete": resetAndDelete,
  "delete the rest": deleteTheRest,
};
