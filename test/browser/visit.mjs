// SPDX-License-Identifier: MIT
//
// visit: a browser of one width and theme, and what is asked of every page and dialog that it comes
// to: axe finds nothing wrong, nothing has to be scrolled sideways, nothing was reported to the
// console, and no text was taken for markup. A picture of each is kept.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TIMEOUT_MS = 120_000; // builds and starts on a busy machine
const NARROW = 600; // a telephone
const HEIGHTS = { narrow: 844, wide: 800 };

/** A text that would be noticed if it were taken for markup. */
export const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
/** The same, of what a host name may have. */
export const HOSTILE_PLAIN = "<img src=x onerror=alert(1)>";

// A refusal is an answer, and the browser reports each; everything else is a mistake of the page.
const EXPECTED = /Failed to load resource: the server responded with a status of 4\d\d/;

// What the page says of what was done is gone after a while: it is remembered here.
const LISTEN = () => {
  const hear = (changes) => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes)
        if (node instanceof Element && node.matches(".toast")) window.heard(node.textContent);
  };
  new MutationObserver(hear).observe(document, { childList: true, subtree: true });
};

export async function launch(executablePath) {
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

export class Visit {
  static async begin(browser, { url, width, theme, out }) {
    const settings = {
      baseURL: url,
      viewport: { width, height: width < NARROW ? HEIGHTS.narrow : HEIGHTS.wide },
      isMobile: width < NARROW,
      hasTouch: width < NARROW,
      colorScheme: theme,
      acceptDownloads: true,
    };
    const context = await browser.newContext(settings);
    const visit = new Visit();
    Object.assign(visit, { context, settings, width, theme, out, faults: [], nShots: 0, said: [], listener: null });
    await context.exposeFunction("heard", (words) => visit.hear(words));
    await context.addInitScript(LISTEN);
    await visit.open();
    mkdirSync(out, { recursive: true });
    return visit;
  }

  /** Another tab, from now on the one that is looked at. */
  async open() {
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(TIMEOUT_MS);
    this.page.on("console", (message) => {
      const words = message.text();
      if (["error", "warning"].includes(message.type()) && !EXPECTED.test(words))
        this.faults.push(`console: ${words}`);
    });
    this.page.on("pageerror", (error) => this.faults.push(`exception: ${error.message}`));
    this.page.on("dialog", (dialog) => {
      if (dialog.type() === "alert") this.faults.push(`a text was run: ${dialog.message()}`);
      void dialog.accept();
    });
    return this.page;
  }

  get isNarrow() {
    return this.width < 830;
  }

  /** Goes to one of the places that every page leads to. */
  async go(place) {
    if (this.isNarrow) await this.page.getByRole("button", { name: "Menu" }).click();
    const nav = this.page.getByRole("navigation", { name: "Pages" });
    await nav.getByRole("link", { name: place }).click();
    await this.page.getByRole("heading", { level: 1, name: place, exact: true }).waitFor();
  }

  /** What is done by `act` is done in the theme that this visit does not have else. */
  async inOtherTheme(act) {
    const { theme } = this;
    this.theme = theme === "dark" ? "light" : "dark";
    await this.page.emulateMedia({ colorScheme: this.theme });
    await act();
    this.theme = theme;
    await this.page.emulateMedia({ colorScheme: theme });
  }

  /** What is done by `act` is done by somebody who is not logged in. */
  async asStranger(act) {
    const { context, page } = this;
    this.context = await context
      .browser()
      .newContext({ ...this.settings, colorScheme: this.theme });
    await this.open();
    await act();
    await this.context.close();
    Object.assign(this, { context, page });
  }

  hear(words) {
    this.said.push(words);
    this.listener?.();
  }

  /** Waits until the page has said this; once said, it counts once. */
  async told(words) {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
      const at = this.said.findIndex((one) =>
        typeof words === "string" ? one.includes(words) : words.test(one),
      );
      if (at >= 0) return void this.said.splice(0, at + 1);
      if (!(await this.nextWords(deadline - Date.now())))
        throw new Error(`the page did not say "${words}", but: ${this.said.join(" | ")}`);
    }
  }

  /** False: nothing more was said in time. */
  nextWords(patience) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), Math.max(patience, 0));
      this.listener = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  dialog(name) {
    return this.page.getByRole("dialog", name ? { name } : {});
  }

  /** Judges what is shown now. */
  async look(name) {
    await this.page.evaluate(() => document.fonts.ready);
    this.faults.push(...(await this.findByAxe(name)), ...(await this.findByEye(name)));
    const number = String(this.nShots++).padStart(3, "0");
    const file = `${this.width}-${this.theme}-${number}-${name.replace(/[^a-z0-9]+/gi, "-")}.png`;
    await this.page.screenshot({ path: join(this.out, file), animations: "disabled" });
  }

  // By the debugger: the policy of the page lets no script of ours in.
  async findByAxe(name) {
    const session = await this.context.newCDPSession(this.page);
    const expression = `${AXE};axe.run().then((found) => JSON.stringify(found.violations.map((one) =>
      one.id + ": " + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | "))))`;
    const { result } = await session.send("Runtime.evaluate", { expression, awaitPromise: true });
    await session.detach();
    return JSON.parse(result.value).map((words) => `${name}: axe: ${words}`);
  }

  async findByEye(name) {
    const { over, n } = await this.page.evaluate(() => ({
      over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      n: document.querySelectorAll('img[src="x"], body script').length,
    }));
    const faults = [];
    if (over > 0) faults.push(`${name}: it has to be scrolled sideways, by ${over}`);
    if (n > 0) faults.push(`${name}: a text has become markup`);
    return faults;
  }

  takeFaults() {
    return this.faults.splice(0);
  }

  async end() {
    await this.context.close();
  }
}
