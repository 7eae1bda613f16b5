// SPDX-License-Identifier: MIT
//
// meanwhile: what goes wrong between people and time, and loses nothing.

import { exactly, isSaved, PASSWORD, type } from "./words.mjs";

export async function sessionEnds(visit, world) {
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

export async function twoSave(visit, world) {
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

export async function leaving(visit, world) {
  const { page } = visit;
  await visit.go("Blueprints");
  await page.getByRole("link", { name: world.blueprint, exact: true }).click();
  await page.getByLabel("Tasks").fill("300");
  for (const leave of [() => page.goBack(), () => page.locator(".page-parent").click()]) {
    await leave();
    const dialog = visit.dialog("Leave without saving?");
    await dialog.waitFor();
    if (!visit.judge.hasSeen("leave")) await visit.look("leave without saving");
    await exactly(dialog, "Stay here").click();
    if (page.url() !== world.blueprintUrl) throw new Error("the page was left all the same");
  }
  await exactly(page, "Discard").click();
  await isSaved(page);
}
