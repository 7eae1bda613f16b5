// SPDX-License-Identifier: MIT
//
// people: the own account, those of others, and the machine.

import { createHmac } from "node:crypto";
import { HOSTILE_PLAIN } from "./visit.mjs";
import { button, exactly, PASSWORD } from "./words.mjs";

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

export async function account(visit) {
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

export async function users(visit, world) {
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
