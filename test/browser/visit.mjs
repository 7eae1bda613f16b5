// SPDX-License-Identifier: MIT
//
// visit: a browser of one width, and what the page does in it: what it says, and that nothing is reported
// to the console and no text of somebody is run. What it shows is for the judge.

import { chromium } from "playwright-core";

const TIMEOUT_MS = 120_000; // builds and starts on a busy machine
const NARROW = 600; // a telephone
const HEIGHTS = { narrow: 844, wide: 800 };

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
  static async begin(browser, { url, width, theme, judge }) {
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
    Object.assign(visit, { context, settings, width, theme, judge, faults: [], said: [], listener: null });
    visit.sessions = new Map();
    await context.exposeFunction("heard", (words) => visit.hear(words));
    await context.addInitScript(LISTEN);
    await visit.open();
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

  /** What is done by `act` is done by somebody who is not logged in. */
  async asStranger(act) {
    const { context, page } = this;
    this.context = await context.browser().newContext(this.settings);
    try {
      await act(await this.open());
    } finally {
      await this.context.close();
      Object.assign(this, { context, page });
    }
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
    this.faults.push(...(await this.judge.look(this, name)));
  }

  /** To the debugger of the page that is looked at. */
  async debugger() {
    if (!this.sessions.has(this.page))
      this.sessions.set(this.page, await this.context.newCDPSession(this.page));
    return this.sessions.get(this.page);
  }

  takeFaults() {
    return this.faults.splice(0);
  }

  async end() {
    await this.context.close();
  }
}
