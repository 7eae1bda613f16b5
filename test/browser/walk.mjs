// SPDX-License-Identifier: MIT
//
// walk: what somebody does with the page from the first link to the last server that he deletes. Each
// step leaves the browser where the next one begins; it waits for what it has asked for, and looks
// at what it sees on the way.

import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tour } from "./tour.mjs";
import { HOSTILE, HOSTILE_PLAIN } from "./visit.mjs";

const PASSWORD = "correct horse battery";

// ---- words for what is done often ---------------------------------------------------------------

const button = (place, name, options = {}) => place.getByRole("button", { name, ...options });
const exactly = (place, name) => button(place, name, { exact: true });

async function choose(page, menu, item) {
  await button(page, menu).click();
  await page.getByRole("menuitem", { name: item }).click();
}

async function isSaved(page) {
  await page.getByText("All is saved").waitFor();
}

/** Types into the editor at the end of what is there. */
async function type(page, words) {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(words);
}

async function makeOverlay(visit, world, name, type) {
  const { page } = visit;
  await visit.go("Overlays");
  await exactly(page, "New overlay").click();
  await visit.dialog("New overlay").getByLabel("Name").fill(name);
  await visit.dialog("New overlay").getByLabel(type).check();
  await visit.look(`new overlay ${type}`);
  await button(visit.dialog(), "Create").click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  world.urls[type] = page.url();
}

// ---- the first minutes --------------------------------------------------------------------------

async function setUp(visit, world) {
  const { page } = visit;
  if (world.isFirst) {
    await page.goto("/");
    await page.getByText("left4me user add NAME --admin").waitFor();
    await visit.look("first run");
  }
  await page.goto(world.link);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Password again").fill("another one");
  await page.keyboard.press("Enter");
  await page.getByText("The two passwords are not the same.").waitFor();
  await visit.look("join");
  await page.getByLabel("Password again").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Servers" }).waitFor();
  await visit.look("servers empty");
}

async function logInAgain(visit, world) {
  const { page } = visit;
  if (visit.isNarrow) await button(page, "Menu").click();
  world.user = await page.locator(".side-user a").textContent();
  await exactly(page, "Log out").click();
  await page.getByLabel("Name").fill(world.user);
  await page.getByLabel("Password").fill("not this one");
  await page.keyboard.press("Enter");
  await page.getByText("The name or the password is wrong.").waitFor();
  await visit.look("login");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Servers" }).waitFor();
}

async function installGame(visit) {
  const { page } = visit;
  await visit.go("Game");
  await button(page, /Install the game|Update now/).click();
  await visit.told(/The game is up to date\.|There is no newer version\./);
  await page.getByText("current", { exact: true }).first().waitFor();
  await visit.look("game");
}

// ---- three types of overlays ----------------------------------------------------------------------

async function workshop(visit, world) {
  const { page } = visit;
  world.workshop = `maps-${world.number}`;
  await makeOverlay(visit, world, world.workshop, "Workshop");
  await visit.look("workshop empty");
  await page.getByLabel("Number or address of an item").fill(`${world.item} ${HOSTILE_PLAIN}`);
  await page.keyboard.press("Enter");
  await page.getByText("This names no item of the Workshop").waitFor();
  await visit.look("workshop wrong");
  await button(page, "Save and build").click();
  await visit.told("is published.");
  await page.getByText("published", { exact: true }).first().waitFor();
  await visit.look("workshop");
}

async function script(visit, world) {
  const { page } = visit;
  world.script = `plug-ins-${world.number}`;
  await makeOverlay(visit, world, world.script, "Script");
  await type(page, `#!/bin/bash\necho '${HOSTILE}'\nexit 1\n`);
  await button(page, "Save and build").click();
  await page.locator(".error-line").first().waitFor();
  await visit.look("script failed");
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.type(
    `#!/bin/bash\necho '${HOSTILE}'\nmkdir -p left4dead2/cfg\n` +
      `echo 'sv_gravity 800' >left4dead2/cfg/server.cfg\nsleep 2\n`,
  );
  await button(page, "Save and build").click();
  await page.locator(".log-line").first().waitFor();
  await visit.look("script building");
  await visit.told("is published.");
  await isSaved(page);
  await visit.look("script");
}

async function generations(visit, world) {
  const { page } = visit;
  await type(page, "echo 'sv_maxcmdrate 100' >>left4dead2/cfg/server.cfg\n");
  await button(page, "Save and build").click();
  await visit.told("is published.");
  await page.getByRole("link", { name: /^Generations/ }).click();
  await page.getByText("left4dead2/cfg/server.cfg").waitFor();
  await visit.look("generations");
  await choose(page, "More actions", "Roll back");
  await visit.told("is the current one.");
  await exactly(page, "Make it the current one").click();
  await visit.told("is the current one.");
  await page.getByRole("link", { name: "Contents" }).click();
  await page.getByText("Nothing is known to be wrong.").waitFor();
  await visit.look("contents");
  await page.getByRole("link", { name: "Settings", exact: true }).click();
  await page.getByLabel("Largest size").fill("much");
  await button(page, "Save").click();
  await page.getByText("A size is a number").waitFor();
  await page.getByLabel("Largest size").fill("2G");
  await page.getByLabel("Built anew").selectOption("daily");
  await button(page, "Save").click();
  await visit.told("Saved.");
  await visit.look("overlay settings");
}

/** A folder on this machine, with a name that would be noticed. */
function makeFolder(world) {
  const folder = join(mkdtempSync(join(tmpdir(), "left4me-browser-")), "left4dead2");
  mkdirSync(join(folder, "cfg"), { recursive: true });
  writeFileSync(join(folder, "cfg", "friday.cfg"), "sv_alltalk 1\n");
  writeFileSync(join(folder, "motd.txt"), `${HOSTILE}\n`);
  world.strange = `${HOSTILE_PLAIN}.txt`;
  writeFileSync(join(folder, world.strange), "strange\n");
  writeFileSync(join(folder, "large.bin"), Buffer.alloc(9 << 20, 7));
  return folder;
}

async function files(visit, world) {
  const { page } = visit;
  world.files = `files-${world.number}`;
  await makeOverlay(visit, world, world.files, "Files");
  await visit.look("files empty");
  await page.getByLabel("Upload a folder").setInputFiles(makeFolder(world));
  await page.getByText("4 of 4 files uploaded").waitFor();
  await page.getByRole("link", { name: "left4dead2", exact: true }).click();
  await page.getByRole("link", { name: world.strange, exact: true }).waitFor();
  await visit.look("files");
  await page.getByRole("link", { name: "motd.txt", exact: true }).click();
  await type(page, "Welcome\n");
  await visit.look("file editor");
  await page.keyboard.press("Control+s");
  await visit.told("Saved. Build the overlay");
  await page.getByRole("link", { name: "Back to the files" }).click();
  await moveAndDelete(visit, world);
  await exactly(page, "Build").click();
  await visit.told("is published.");
}

async function moveAndDelete(visit, world) {
  const { page } = visit;
  await choose(page, "Actions for large.bin", "Move");
  await visit.dialog().getByLabel("New path").fill("left4dead2/motd.txt");
  await page.keyboard.press("Enter");
  await visit.dialog().locator(".field-error, .error-line").waitFor();
  await visit.look("move refused");
  await visit.dialog().getByLabel("New path").fill("left4dead2/cfg/moved.bin");
  await page.keyboard.press("Enter");
  await page.getByText("large.bin", { exact: true }).waitFor({ state: "detached" });
  await choose(page, `Actions for ${world.strange}`, "Delete");
  await visit.look("delete file");
  await exactly(visit.dialog(), "Delete").click();
  await page.getByRole("link", { name: world.strange, exact: true }).waitFor({ state: "detached" });
  const [zip] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "ZIP" }).click(),
  ]);
  if (
    readFileSync(await zip.path())
      .subarray(0, 2)
      .toString() !== "PK"
  )
    throw new Error("what was downloaded is no ZIP archive");
}

// ---- a blueprint ----------------------------------------------------------------------------------

async function addOverlay(page, name) {
  const list = page.getByLabel("Overlay to add");
  const option = await list.locator("option", { hasText: name }).textContent();
  await list.selectOption({ label: option });
  await exactly(page, "Add").click();
}

async function blueprint(visit, world) {
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

// ---- a server ---------------------------------------------------------------------------------------

async function server(visit, world) {
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

async function start(visit, world) {
  const { page } = visit;
  await exactly(page, "Start").click();
  await visit.told(`${world.server} runs.`);
  await page.locator(".badge", { hasText: "running" }).waitFor();
  await page.locator(".log-line").first().waitFor();
  await visit.look("server running");
  await exactly(page, "Pause").click();
  await button(page, /^Follow/).click();
}

async function restartToApply(visit, world) {
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

async function partsOfServer(visit, world) {
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
  void world;
}

async function settingsOfServer(visit, world) {
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
  await exactly(page, "Give access").click();
  await visit.dialog().getByLabel("User").fill(HOSTILE_PLAIN);
  await page.keyboard.press("Enter");
  await visit.dialog().locator(".field-error, .error-line").waitFor();
  await visit.look("give access");
  await page.keyboard.press("Escape");
}

// ---- what goes wrong between people and time ------------------------------------------------------

async function sessionEnds(visit, world) {
  const { page } = visit;
  await page.goto(world.blueprintUrl);
  await page.getByLabel("Processor (%)").fill("150");
  await type(page, "// not lost\n");
  // The preview asks as well, and would come to know it first.
  await page.locator("pre", { hasText: "// not lost" }).waitFor();
  await visit.context.clearCookies();
  await exactly(page, "Save").click();
  const again = visit.dialog("Log in again");
  await again.waitFor();
  await visit.look("log in again");
  await again.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await isSaved(page);
  await page.reload();
  await page.getByText("// not lost").first().waitFor();
  if ((await page.getByLabel("Processor (%)").inputValue()) !== "150")
    throw new Error("what was typed before the session ended is lost");
}

async function twoSave(visit, world) {
  const mine = visit.page;
  const theirs = await visit.open();
  await theirs.goto(world.blueprintUrl);
  await mine.getByLabel("Tasks").fill("400");
  await mine.getByLabel("Processor (%)").fill("120");
  await theirs.getByLabel("Processor (%)").fill("110");
  await type(theirs, "// theirs\n");
  await exactly(theirs, "Save").click();
  await isSaved(theirs);
  visit.page = mine;
  await mine.bringToFront();
  await exactly(mine, "Save").click();
  const dialog = visit.dialog("Somebody has saved meanwhile");
  await dialog.waitFor();
  await visit.look("somebody has saved meanwhile");
  await exactly(dialog, "Save").click();
  await isSaved(mine);
  await mine.getByText("// theirs").first().waitFor();
  const kept = await Promise.all(
    ["Tasks", "Processor (%)"].map((label) => mine.getByLabel(label).inputValue()),
  );
  if (kept.join() !== "400,120") throw new Error(`what was typed is lost: ${kept.join()}`);
  await theirs.close();
}

async function leaving(visit, world) {
  const { page } = visit;
  await visit.go("Blueprints");
  await page.getByRole("link", { name: world.blueprint, exact: true }).click();
  await page.getByLabel("Tasks").fill("300");
  for (const leave of [() => page.goBack(), () => page.locator(".page-parent").click()]) {
    await leave();
    const dialog = visit.dialog("Leave without saving?");
    await dialog.waitFor();
    await visit.look("leave without saving");
    await exactly(dialog, "Stay here").click();
    if (page.url() !== world.blueprintUrl) throw new Error("the page was left all the same");
  }
  await exactly(page, "Discard").click();
  await isSaved(page);
}

/** What an authenticator shows now of a secret in base 32 (RFC 6238). */
function codeOf(secret) {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/[^A-Z2-7]/g, "")]
    .map((letter) => digits.indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((octet) => parseInt(octet, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

// ---- people and the machine -------------------------------------------------------------------------

async function account(visit) {
  const { page } = visit;
  await page.goto("/account");
  await button(page, "Set it up").click();
  await visit.dialog().getByLabel("Code").fill("000000");
  await page.keyboard.press("Enter");
  await visit.dialog().locator(".field-error, .error-line").waitFor();
  await visit.look("second factor");
  const secret = await visit.dialog().locator("code").first().textContent();
  await visit.dialog().getByLabel("Code").fill(codeOf(secret));
  await page.keyboard.press("Enter");
  await visit.dialog("Your recovery codes").waitFor();
  await visit.look("recovery codes");
  await button(page, "I have kept them").click();
  await button(page, "Switch it off").click();
  await visit.dialog().getByLabel("Password").fill(PASSWORD);
  await visit.look("switch the second factor off");
  await page.keyboard.press("Enter");
  await visit.told("The second factor is off.");
  await button(page, "New token").click();
  await visit.dialog().getByLabel("Name").fill(HOSTILE_PLAIN);
  await visit.look("new token");
  await exactly(visit.dialog(), "Create").click();
  await visit.dialog("The token").waitFor();
  await visit.look("the token");
  await page.keyboard.press("Escape");
  await visit.look("account");
  await button(page, `Remove ${HOSTILE_PLAIN}`).click();
  await visit.told("The token is removed.");
}

async function users(visit, world) {
  const { page } = visit;
  await visit.go("Users");
  await button(page, "Invite somebody").click();
  await visit
    .dialog()
    .getByLabel("Name")
    .fill(`walker-${world.number + 1}`);
  await visit.dialog().getByLabel("admin").check();
  await visit.look("invite");
  await exactly(visit.dialog(), "Make a link").click();
  await visit.dialog("The link").waitFor();
  const link = await visit.dialog("The link").locator("code").textContent();
  world.nextLink = new URL(link).pathname + new URL(link).hash;
  await visit.look("the link");
  await page.keyboard.press("Escape");
  await visit.look("users");
  await page.getByRole("link", { name: "Changes" }).click();
  await page.getByText("blueprint.change").first().waitFor();
  await visit.look("changes");
}

async function machine(visit) {
  const { page } = visit;
  await visit.go("Machine");
  await page.getByRole("table", { name: "Health" }).waitFor();
  await visit.look("machine");
  await page.getByRole("link", { name: "Settings", exact: true }).click();
  await page.getByLabel("Last port").fill("99999");
  await exactly(page, "Save").click();
  await page.locator(".field-error").waitFor();
  await visit.look("settings");
  await visit.go("Jobs");
  await page.getByRole("table", { name: "Jobs" }).waitFor();
  await visit.look("jobs");
  await page.getByRole("rowheader", { name: "Restart" }).first().getByRole("link").click();
  await page.getByRole("heading", { level: 1, name: "Restart" }).waitFor();
  await visit.look("job");
  await page.goto("/no/such/page");
  await page.getByText("There is nothing here").waitFor();
  await visit.look("nothing here");
}

// ---- the end ----------------------------------------------------------------------------------------

async function written(visit, world) {
  const { page } = visit;
  await page.goto(`${world.serverUrl}/files`);
  await exactly(page, "Stop").click();
  await visit.told(`${world.server} is stopped.`);
  const actions = button(page, /^Actions for .*\.log$/).first();
  const file = (await actions.getAttribute("aria-label")).replace("Actions for ", "");
  await choose(page, `Actions for ${file}`, "Keep");
  await visit.dialog("Keep it through a reset").waitFor();
  await visit.look("keep");
  await page.keyboard.press("Escape");
  await choose(page, `Actions for ${file}`, "Drop");
  await visit.look("drop");
  await exactly(visit.dialog(), "Drop").click();
  await visit.told("Dropped.");
  await button(page, `Actions for ${file}`).waitFor({ state: "detached" });
  await visit.look("files of a stopped server");
}

async function resetAndDelete(visit, world) {
  const { page } = visit;
  await page.goto(world.serverUrl);
  await choose(page, "More actions", "Reset");
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

async function deleteTheRest(visit, world) {
  const { page } = visit;
  await page.goto(world.blueprintUrl);
  await choose(page, "More actions", "Delete");
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
  "everything in the other theme": tour,
  "what the game wrote": written,
  "reset and delete": resetAndDelete,
  "delete the rest": deleteTheRest,
};
