// SPDX-License-Identifier: MIT
//
// servers: a blueprint, and a server from its first start to its end.

import { HOSTILE, HOSTILE_PLAIN } from "./judge.mjs";
import { button, choose, exactly, isSaved, type } from "./words.mjs";

async function addOverlay(page, name) {
  const list = page.getByLabel("Overlay to add");
  const option = await list.locator("option", { hasText: name }).textContent();
  await list.selectOption({ label: option });
  await exactly(page, "Add").click();
}

export async function blueprint(visit, world) {
  const { page } = visit;
  world.blueprint = `${HOSTILE_PLAIN} ${world.number}`;
  await visit.go("Blueprints");
  await visit.look("blueprints");
  await exactly(page, "New blueprint").click();
  await exactly(visit.dialog(), "Create").click();
  await visit.dialog().locator(".field-error").waitFor();
  await visit.look("new blueprint");
  await visit.dialog().getByLabel("Name").fill(world.blueprint);
  await exactly(visit.dialog(), "Create").click();
  await page.getByRole("heading", { level: 1, name: world.blueprint }).waitFor();
  world.blueprintUrl = page.url();
  for (const name of [world.files, world.workshop, world.script]) await addOverlay(page, name);
  await button(page, `Move ${world.script}, now 1 of 3`).press("ArrowDown");
  await page.getByText(`${world.script} is 2 of 3 now.`).waitFor();
  await page.locator(`[data-row]`, { hasText: world.script }).getByRole("checkbox").check();
  await page.getByLabel("Arguments", { exact: true }).fill("+map c2m1_highway +rcon_password x");
  await page.getByText("Argument 3:").waitFor();
  await visit.look("blueprint with a problem");
  await page.getByLabel("Arguments", { exact: true }).fill("+map c2m1_highway +mp_gamemode versus");
  await type(page, `// ${HOSTILE_PLAIN}\nsv_consistency 1\n`);
  await page.locator("pre", { hasText: "sv_consistency 1" }).waitFor();
  await page.keyboard.press("Control+s");
  await isSaved(page);
  await visit.look("blueprint");
}

export async function server(visit, world) {
  const { page } = visit;
  world.server = `${HOSTILE} ${world.number}`.slice(0, 64);
  await visit.go("Servers");
  await exactly(page, "New server").click();
  await visit.dialog().getByLabel("Name", { exact: true }).fill(world.server);
  await visit.dialog().getByLabel("Name in the game").fill('"; quit');
  await visit.dialog().getByLabel("Blueprint").selectOption({ label: world.blueprint });
  await exactly(visit.dialog(), "Create").click();
  await visit.dialog().locator(".field-error").waitFor();
  await visit.look("new server");
  await visit.dialog().getByLabel("Name in the game").fill(HOSTILE_PLAIN);
  await exactly(visit.dialog(), "Create").click();
  await page.getByRole("heading", { level: 1, name: world.server }).waitFor();
  world.serverUrl = page.url();
  await visit.look("server stopped");
  for (const part of ["Stack", "Files"]) {
    await page.getByRole("link", { name: part, exact: true }).click();
    await page.getByText("It was never started").waitFor();
    await visit.look(`${part} of a server that was never started`);
  }
  await page.getByRole("link", { name: "Log", exact: true }).click();
}

export async function start(visit, world) {
  const { page } = visit;
  await exactly(page, "Start").click();
  await visit.told(`${world.server} runs.`);
  await page.locator(".badge", { hasText: "running" }).waitFor();
  await page.locator(".log-line").first().waitFor();
  await visit.look("server running");
  await exactly(page, "Pause").click();
  await visit.look("log paused");
  await button(page, /^Follow/).click();
}

export async function restartToApply(visit, world) {
  const { page } = visit;
  await page.goto(world.blueprintUrl);
  await type(page, "\nsv_alltalk 1\n");
  await page.keyboard.press("Control+s");
  await isSaved(page);
  await page.goto(world.serverUrl);
  await page.getByText(/Restart to apply: .*the config changed\./).waitFor();
  await visit.look("restart to apply");
  await exactly(page, "Restart").first().click();
  await visit.told("was restarted.");
  await page.getByText("Restart to apply").waitFor({ state: "detached" });
}

export async function partsOfServer(visit) {
  const { page } = visit;
  await page.getByRole("link", { name: "Stack" }).click();
  await page.getByRole("textbox", { name: "Path" }).fill("left4dead2/cfg/server.cfg");
  await page.keyboard.press("Enter");
  await page
    .getByText("hidden by one above")
    .or(page.getByText("seen", { exact: true }))
    .first()
    .waitFor();
  await visit.look("stack");
  await page.getByRole("link", { name: "Files", exact: true }).click();
  await page.getByText("What the game wrote").waitFor();
  await exactly(page, "Make it").click();
  await page.getByRole("link", { name: "Open its files" }).waitFor();
  await visit.look("files of a server");
  await page.getByRole("link", { name: "Jobs", exact: true }).last().click();
  await page.getByRole("table", { name: "Jobs" }).waitFor();
  await visit.look("jobs of a server");
}

export async function settingsOfServer(visit, world) {
  const { page } = visit;
  await page.getByRole("link", { name: "Settings", exact: true }).click();
  await page.getByLabel("Port", { exact: true }).fill("1");
  await exactly(page, "Save").click();
  await page.locator(".field-error").waitFor();
  await visit.look("settings of a server");
  await page.getByLabel("Port", { exact: true }).fill(String(29000 + world.number));
  await exactly(page, "Save").click();
  await visit.told("Saved.");
  await exactly(page, "Show").click();
  await exactly(page, "Hide").click();
  await button(page, "Make a new one").click();
  await visit.look("make a new RCON password");
  await button(visit.dialog(), "Make a new one").click();
  await visit.told("There is a new RCON password.");
  await exactly(page, "Give access").click();
  await visit.dialog().getByLabel("User").fill(HOSTILE_PLAIN);
  await page.keyboard.press("Enter");
  await visit.dialog().locator(".field-error, .error-line").waitFor();
  await visit.look("give access");
  await page.keyboard.press("Escape");
}

export async function written(visit, world) {
  const { page } = visit;
  await page.goto(`${world.serverUrl}/files`);
  await exactly(page, "Stop").click();
  await visit.told(`${world.server} is stopped.`);
  const logs = button(page, /^Actions for .*\.log$/);
  await logs.first().waitFor();
  const [kept, dropped] = await logs.evaluateAll((all) => all.map((one) => one.ariaLabel));
  await exactly(page, "View").first().click();
  await visit.dialog().locator("pre").waitFor();
  await visit.look("view a file");
  await page.keyboard.press("Escape");
  await choose(page, kept, "Keep");
  await visit.dialog("Keep it through a reset").waitFor();
  await visit.look("keep");
  await exactly(visit.dialog(), "Keep").click();
  await visit.told("Kept.");
  await button(page, kept).waitFor({ state: "detached" });
  await choose(page, dropped, "Drop");
  await visit.look("drop");
  await exactly(visit.dialog(), "Drop").click();
  await visit.told("Dropped.");
  await button(page, dropped).waitFor({ state: "detached" });
  await visit.look("files of a stopped server");
}

export async function resetAndDelete(visit, world) {
  const { page } = visit;
  await page.goto(world.serverUrl);
  await button(page, "More actions").click();
  await visit.look("what can be done with a server");
  await page.getByRole("menuitem", { name: "Reset" }).click();
  await visit.look("reset");
  await exactly(visit.dialog(), "Reset").click();
  await visit.told("was reset.");
  await page.locator(".badge", { hasText: "stopped" }).waitFor();
  await choose(page, "More actions", "Delete");
  await visit.dialog().getByRole("textbox").fill(world.server);
  await visit.look("delete");
  await exactly(visit.dialog(), "Delete").click();
  await visit.told("is deleted.");
  await page.getByRole("heading", { level: 1, name: "Servers" }).waitFor();
}
