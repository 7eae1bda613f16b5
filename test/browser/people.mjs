// SPDX-License-Identifier: MIT
//
// people: the own account, those of others, and the machine.

import { createHmac } from "node:crypto";
import { HOSTILE_PLAIN } from "./judge.mjs";
import { button, choose, exactly, PASSWORD } from "./words.mjs";

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

/** The second step of a login, by a code for who has lost his authenticator. */
async function logInWith(visit, page, user, recovery) {
  await page.goto("/login");
  await page.getByLabel("Name").fill(user);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  // Not sent: whoever fails twice has to wait.
  await page.getByLabel("Code").fill(HOSTILE_PLAIN);
  await visit.look("login with a code");
  await page.getByLabel("Code").fill(recovery);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Servers" }).waitFor();
}

export async function account(visit, world) {
  const { page } = visit;
  await page.goto("/account");
  await button(page, "Set it up").click();
  await visit.dialog().getByLabel("Password").fill(PASSWORD);
  await visit.dialog().getByLabel("Code").fill("000000");
  await page.keyboard.press("Enter");
  await visit.dialog().locator(".field-error, .error-line").waitFor();
  await visit.look("second factor");
  const secret = await visit.dialog().locator("code").first().textContent();
  await visit.dialog().getByLabel("Code").fill(codeOf(secret));
  await page.keyboard.press("Enter");
  await visit.dialog("Your recovery codes").waitFor();
  await visit.look("recovery codes");
  const recovery = (await visit.dialog().locator("pre").textContent()).split("\n")[0];
  await button(page, "I have kept them").click();
  await visit.asStranger((theirs) => logInWith(visit, theirs, world.user, recovery));
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

/** Where the link leads that is made for somebody of this name. */
async function invite(visit, name, role) {
  const { page } = visit;
  await button(page, "Invite somebody").click();
  await visit.dialog().getByLabel("Name").fill(name);
  await visit.dialog().getByRole("radio", { name: new RegExp(`^${role}`) }).check();
  await exactly(visit.dialog(), "Make a link").click();
  const made = visit.dialog("The link");
  const link = new URL(await made.locator("code").textContent());
  if (!visit.judge.hasSeen("user-link")) await visit.look("the link");
  await page.keyboard.press("Escape");
  await made.waitFor({ state: "detached" });
  return link.pathname + link.hash;
}

/** Somebody who may do little: what he sees, and what others make of his account. */
async function join(visit, page, link) {
  await page.goto(link);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Password again").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Servers" }).waitFor();
  await visit.look("servers of a plain user");
}

async function giveAccess(visit, world, name) {
  const { page } = visit;
  await page.goto(`${world.serverUrl}/settings`);
  await exactly(page, "Give access").click();
  await visit.dialog().getByLabel("User").fill(name);
  await page.keyboard.press("Enter");
  await page.getByRole("group", { name }).waitFor();
  await visit.look("access that was given");
}

/** Gives the server whose settings are shown to somebody of this name. */
async function giveServer(visit, world, name) {
  const { page } = visit;
  await button(page, "Give it to somebody else").click();
  await visit.dialog().getByLabel("New owner").selectOption({ label: name });
  if (!visit.judge.hasSeen("give")) await visit.look("give to somebody else");
  await exactly(visit.dialog(), "Give").click();
  await visit.told(`${world.server} belongs to ${name} now.`);
}

export async function users(visit, world) {
  const { page } = visit;
  const guest = `guest-${world.number}`;
  await visit.go("Users");
  world.nextLink = await invite(visit, `walker-${world.number + 1}`, "admin");
  const link = await invite(visit, guest, "user");
  await visit.asStranger((theirs) => join(visit, theirs, link));
  await giveAccess(visit, world, guest);
  await giveServer(visit, world, guest);
  await visit.go("Users");
  await choose(page, `Actions for ${guest}`, "Deactivate");
  await page.getByText("deactivated", { exact: true }).waitFor();
  await visit.look("users");
  await choose(page, `Actions for ${guest}`, "Delete");
  const left = visit.dialog().locator("a[href^='/servers/']");
  await left.waitFor();
  await exactly(visit.dialog(), "Delete").click();
  await visit.dialog().locator(".error-line").waitFor();
  await visit.look("delete a user");
  await left.click();
  await giveServer(visit, world, world.user);
  await visit.go("Users");
  await choose(page, `Actions for ${guest}`, "Delete");
  await exactly(visit.dialog(), "Delete").click();
  await visit.told(`${guest} is deleted.`);
  await page.getByRole("link", { name: "Changes" }).click();
  await page.locator("summary").first().click();
  await page.locator("details[open] pre").first().waitFor();
  await visit.look("changes");
}

export async function machine(visit) {
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
