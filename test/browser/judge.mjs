// SPDX-License-Identifier: MIT
//
// judge: what is asked of every page and dialog, in the light theme and in the dark one: axe finds nothing
// wrong, nothing has to be scrolled sideways, and no text was taken for markup. It keeps a picture of each
// in each theme, and knows in the end what was never shown.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const THEMES = ["light", "dark"];

/** A text that would be noticed if it were taken for markup. */
export const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
/** The same, of what a host name may have. */
export const HOSTILE_PLAIN = "<img src=x onerror=alert(1)>";

// What is there: by the debugger, as the policy of the page lets no script of ours in.
const RUN_AXE = `axe.run().then((found) => JSON.stringify(found.violations.map((one) =>
  one.id + ": " + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | "))))`;

/** In the page: where it is, what it asks, where it leads to, and its fields, with what is in them. */
function describe() {
  const nameOf = (field) => field.getAttribute("aria-label") ?? field.labels?.[0]?.textContent ?? field.name;
  const dialog = document.querySelector("dialog[open]");
  const place = dialog ?? document;
  const inputs = place.querySelectorAll("input:not([type]), input[type=text], textarea");
  const editors = [...place.querySelectorAll(".code-host")]
    .map((host) => host.shadowRoot?.querySelector("[contenteditable]"))
    .filter(Boolean);
  const root = document.documentElement;
  return {
    path: location.pathname,
    // Whoever is not logged in sees the same at whatever address.
    front: document.querySelector(".front h1")?.textContent,
    dialog: dialog?.dataset.name ?? null,
    links: [...document.querySelectorAll("nav a, .side-user a")].map((link) => new URL(link.href).pathname),
    fields: [...inputs, ...editors]
      .filter((field) => field.checkVisibility() && !field.readOnly && field.ariaReadOnly !== "true")
      .map((field) => ({ name: nameOf(field), text: field.value ?? field.textContent })),
    over: root.scrollWidth - root.clientWidth,
    nOut: [...document.querySelectorAll("[role=menu], dialog[open], .toast")].filter((box) => {
      const { left, right } = box.getBoundingClientRect();
      return left < 0 || right > root.clientWidth;
    }).length,
    nMarkup: document.querySelectorAll('img[src="x"], body script').length,
  };
}

const patternOf = (path) => path.replace(/\/\d+(?=\/|$)/g, "/#");

export class Judge {
  /** `pages` are the patterns of all addresses, `dialogs` the names of all questions. */
  constructor({ out, pages, dialogs }) {
    Object.assign(this, { out, pages: new Set(pages), dialogs: new Set(dialogs) });
    Object.assign(this, { nStates: 0, nAxe: 0, axeMs: 0, pictureMs: 0 });
    this.seen = new Set();
    this.linked = new Set();
    this.fields = new Map(); // by place and name: whether a strange text was in it
    mkdirSync(out, { recursive: true });
  }

  /** A page, by its path, or a dialog, by its name. */
  hasSeen(place) {
    return this.seen.has(patternOf(place));
  }

  /** What is wrong with what the visit has before it now. */
  async look(visit, name) {
    await visit.page.evaluate(() => document.fonts.ready);
    const faults = this.note(await visit.page.evaluate(describe));
    const number = String(this.nStates++).padStart(3, "0");
    // The theme of the visit comes last, so that it goes on in it.
    for (const theme of THEMES.toSorted((a) => (a === visit.theme ? 1 : -1))) {
      await visit.page.emulateMedia({ colorScheme: theme });
      for (const words of await this.findByAxe(visit)) faults.push(`axe, ${theme}: ${words}`);
      const file = `${visit.width}-${number}-${name.replace(/[^a-z0-9]+/gi, "-")}-${theme}.png`;
      const since = performance.now();
      await visit.page.screenshot({ path: join(this.out, file), animations: "disabled" });
      this.pictureMs += performance.now() - since;
    }
    return faults.map((words) => `${name}: ${words}`);
  }

  async findByAxe(visit) {
    const since = performance.now();
    const session = await visit.debugger();
    const evaluate = (expression) => session.send("Runtime.evaluate", { expression, awaitPromise: true });
    const { result: type } = await evaluate("typeof axe");
    if (type.value === "undefined") await evaluate(AXE);
    const { result } = await evaluate(RUN_AXE);
    this.nAxe++;
    this.axeMs += performance.now() - since;
    return JSON.parse(result.value);
  }

  /** Remembers what was shown; what is wrong with it at once. */
  note({ path, front, dialog, links, fields, over, nOut, nMarkup }) {
    this.seen.add(dialog ?? patternOf(path));
    const place = dialog ?? front ?? patternOf(path);
    for (const link of links) this.linked.add(patternOf(link));
    for (const field of fields) {
      const key = `${place}: ${field.name.trim()}`;
      // As much of it as the field takes.
      const isStrange = field.text.includes("><im") || field.text.includes("<img");
      this.fields.set(key, this.fields.get(key) || isStrange);
    }
    const faults = [];
    if (over > 0) faults.push(`it has to be scrolled sideways, by ${over}`);
    if (nOut > 0) faults.push("a part of it lies outside of the page");
    if (nMarkup > 0) faults.push("a text has become markup");
    return faults;
  }

  /** What the page has and was not shown. */
  missing() {
    const wanted = new Set([...this.pages, ...this.dialogs, ...this.linked]);
    return [
      ...[...wanted].filter((one) => !this.seen.has(one)).map((one) => `${one} was never looked at`),
      ...[...this.seen]
        .filter((one) => !one.startsWith("/") && !this.dialogs.has(one))
        .map((one) => `${one} is no dialog of the list`),
      ...[...this.fields].filter(([, is]) => !is).map(([key]) => `no strange text was in a field: ${key}`),
    ];
  }

  get count() {
    const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
    const axe = `axe ${this.nAxe} times in ${seconds(this.axeMs)}`;
    return `${this.nStates} states, ${axe}, pictures in ${seconds(this.pictureMs)}`;
  }
}
