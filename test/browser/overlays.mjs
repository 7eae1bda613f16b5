// SPDX-License-Identifier: MIT
//
// overlays: one of each type, made, built, changed and looked through.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOSTILE, HOSTILE_PLAIN } from "./judge.mjs";
import { button, choose, exactly, isSaved, type } from "./words.mjs";

async function makeOverlay(visit, world, name, type) {
  const { page } = visit;
  await visit.go("Overlays");
  await exactly(page, "New overlay").click();
  await visit.dialog("New overlay").getByLabel("Name").fill(name);
  await visit.dialog("New overlay").getByLabel(type).check();
  if (type === "Workshop") await visit.look("new overlay");
  await button(visit.dialog(), "Create").click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  world.urls[type] = page.url();
}

export async function workshop(visit, world) {
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

export async function script(visit, world) {
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

export async function generations(visit, world) {
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

export async function files(visit, world) {
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
  await unpack(visit);
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

/** An archive with all of it in one directory. */
function makeArchive() {
  const folder = mkdtempSync(join(tmpdir(), "left4me-browser-"));
  mkdirSync(join(folder, "pack", "addons"), { recursive: true });
  writeFileSync(join(folder, "pack", "addons", `${HOSTILE_PLAIN}.cfg`), "sv_pausable 0\n");
  const archive = join(folder, `${HOSTILE_PLAIN}.tar.gz`);
  execFileSync("tar", ["-czf", archive, "-C", folder, "pack"]);
  return archive;
}

async function unpack(visit) {
  const { page } = visit;
  await button(page, "Unpack an archive").click();
  await visit.dialog().getByLabel("Archive").setInputFiles(makeArchive());
  await visit.dialog().getByLabel("Leave out its top directory").check();
  await visit.look("unpack an archive");
  await exactly(visit.dialog(), "Upload and unpack").click();
  await visit.told("is unpacked.");
  await page.getByRole("link", { name: "addons", exact: true }).waitFor();
  await visit.look("unpacked");
}
