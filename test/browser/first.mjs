// SPDX-License-Identifier: MIT
//
// first: the first minutes: the link of the first admin, logging in, and the game.

import { button, exactly, PASSWORD } from "./words.mjs";

export async function setUp(visit, world) {
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

export async function logInAgain(visit, world) {
  const { page } = visit;
  if (visit.isNarrow) {
    await button(page, "Menu").click();
    await visit.look("the way to other pages");
  }
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

export async function installGame(visit) {
  const { page } = visit;
  await visit.go("Game");
  await button(page, /Install the game|Update now/).click();
  await visit.told(/The game is up to date\.|There is no newer version\./);
  await page.getByText("current", { exact: true }).first().waitFor();
  await visit.look("game");
}
