// SPDX-License-Identifier: MIT
//
// strange: every field of every page and dialog, with a text in it that would be noticed if it were taken for
// markup, while all that a walk has made is there. Pages and questions that the walk has no use for are
// looked at here as well.

import { HOSTILE } from "./judge.mjs";

const FIELDS =
  "input:not([type=checkbox], [type=radio], [type=file], [readonly], [disabled]), textarea:not([readonly])";
const EDITORS = "[contenteditable=true]:not([aria-readonly=true])";

const press = (name) => async (page) => page.getByRole("button", { name }).first().click();
const pick = (menu, item) => async (page) => {
  await page.getByRole("button", { name: menu }).first().click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
};

/** A dialog: how it is opened, and the button that is refused as it stands. */
const dialog = (name, open, refused = null) => ({ name, open, refused });

// ---- where it leads ---------------------------------------------------------------------------------

function places(world) {
  const { serverUrl, blueprintUrl, urls } = world;
  const more = (item) => pick("More actions", item);
  return [
    ["/servers", dialog("new server", press("New server"))],
    [serverUrl, dialog("kill", more("Kill")), dialog("delete", more("Delete"))],
    [`${serverUrl}/players`],
    [`${serverUrl}/stack`],
    [`${serverUrl}/settings`],
    ["/blueprints", dialog("new blueprint", press("New blueprint"))],
    [blueprintUrl, dialog("copy", more("Copy it"))],
    ["/overlays", dialog("new overlay", press("New overlay"), "Create")],
    [urls.Workshop],
    [urls.Script, dialog("wipe", more("Wipe and build")), dialog("delete", more("Delete"))],
    [`${urls.Script}/generations`, dialog("try out", press("Try it out"))],
    [`${urls.Script}/settings`],
    [`${urls.Script}/jobs`],
    [
      `${urls.Files}?path=left4dead2`,
      dialog("new folder", press("New folder")),
      dialog("new file", press("New file")),
      dialog("move", pick("Actions for motd.txt", "Move or rename")),
      dialog("archive", press("Unpack an archive"), "Upload and unpack"),
    ],
    [`${urls.Files}?path=left4dead2%2Fmotd.txt&edit=1`],
    ["/account", dialog("second factor", press("Set it up"))],
    ["/users", dialog("invite", press("Invite somebody"))],
    ["/machine/settings"],
  ];
}

// ---- how it is looked at ----------------------------------------------------------------------------

async function settle(page) {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.locator(".loading").first().waitFor({ state: "detached" });
}

/** How many fields there are in it. */
async function fill(page, place) {
  let n = 0;
  for (const field of await place.locator(FIELDS).all()) {
    if (!(await field.isVisible())) continue;
    await field.fill(HOSTILE);
    n++;
  }
  // Emptied first: a browser that replaces several lines itself makes styles, which the policy forbids.
  for (const editor of await place.locator(EDITORS).all()) {
    if (!(await editor.isVisible())) continue;
    await editor.press("Control+a");
    await editor.press("Delete");
    await page.keyboard.insertText(HOSTILE);
    n++;
  }
  return n;
}

async function visitDialog(visit, name, { open, refused }) {
  const { page } = visit;
  await open(page);
  const place = visit.dialog();
  await place.waitFor();
  await place.locator(".loading").first().waitFor({ state: "detached" });
  await fill(page, place);
  if (refused) {
    await place.getByRole("button", { name: refused, exact: true }).last().click();
    await place.locator(".field-error, .error-line").first().waitFor();
  }
  await visit.look(name);
  await page.keyboard.press("Escape");
  await place.waitFor({ state: "detached" });
}

function nameOf(url) {
  const { pathname, search } = new URL(url, "http://machine");
  return pathname.slice(1) + (search ? (search.includes("edit") ? "-edit" : "-list") : "");
}

async function visitPage(visit, url, dialogs) {
  const { page } = visit;
  await page.goto(url);
  await settle(page);
  if (!visit.judge.hasSeen(new URL(page.url()).pathname)) await visit.look(nameOf(url));
  for (const one of dialogs) await visitDialog(visit, `${nameOf(url)} ${one.name}`, one);
  for (const more of await page.locator("main summary").all()) await more.click();
  if ((await fill(page, page.locator("main"))) > 0) await visit.look(`${nameOf(url)} strange`);
}

async function visitFront(visit) {
  for (const [name, url] of [
    ["login", "/login"],
    ["join", "/join#word"],
    ["join without a word", "/join"],
  ]) {
    await visit.page.goto(url);
    await settle(visit.page);
    await fill(visit.page, visit.page.locator("body"));
    await visit.look(`${name} strange`);
  }
}

export async function strange(visit, world) {
  for (const [url, ...dialogs] of places(world)) await visitPage(visit, url, dialogs);
  await visit.asStranger(() => visitFront(visit));
}
