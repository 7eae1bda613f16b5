// SPDX-License-Identifier: MIT
//
// run: walks through the page of a machine, on a desktop and on a telephone. Whatever a walk comes to is
// judged in both themes; WIDTH-THEME is the one that it goes on in.
//
//   node run.mjs --url URL --link /join#WORD --out DIRECTORY --ui DIRECTORY [--item NUMBER]
//                [--chromium PATH] [--walk WIDTH-THEME]...
//
// LINK is that of the first admin, as `left4me user add NAME --admin` prints it; nobody may have a
// password yet. ITEM is one of the Workshop that the machine can have. UI is where the page's source is: it
// says which pages and dialogs there are, of which none may be left out. Ends with what failed, and a line
// "N passed, N failed".

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Judge } from "./judge.mjs";
import { launch, Visit } from "./visit.mjs";
import { steps } from "./walk.mjs";

const WALKS = ["1280-light", "390-dark"];

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    link: { type: "string" },
    out: { type: "string" },
    ui: { type: "string" },
    item: { type: "string", default: "121088" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
    walk: { type: "string", multiple: true, default: WALKS },
  },
});
if (!values.url || !values.link || !values.out || !values.ui) {
  console.error("usage: node run.mjs --url URL --link /join#WORD --out DIRECTORY --ui DIRECTORY");
  process.exit(2);
}

/** What stands in a file of the page's source. */
function found(file, pattern) {
  const words = [...readFileSync(join(values.ui, file), "utf8").matchAll(pattern)].map((match) => match[1]);
  if (words.length === 0) throw new Error(`nothing is found in ${file}`);
  return words;
}

const dialogs = found("src/components/dialognames.ts", /^ {2}"([a-z-]+)",$/gm);
const pages = found("src/pages/routes.tsx", /pattern: "([^"]+)"/g).map((pattern) =>
  pattern.replace(/\/:\w+\?/, "").replace(/:#\w+/, "#"),
);

let nPassed = 0;
const failures = [];

function report(name, faults) {
  if (faults.length === 0) {
    nPassed++;
    console.log(`ok   ${name}`);
    return;
  }
  failures.push(name);
  console.log(`FAIL ${name}`);
  for (const fault of faults) console.log(`     ${fault}`);
}

/** One after the other: each needs what those before it have made. */
async function walk(browser, name, world) {
  const [width, theme] = name.split("-");
  const judge = new Judge({ out: values.out, dialogs, pages: ["/login", "/join", ...pages] });
  const visit = await Visit.begin(browser, {
    url: values.url,
    width: Number(width),
    theme,
    judge,
  });
  let isWhole = true;
  for (const [title, step] of Object.entries(steps)) {
    const faults = [];
    try {
      await step(visit, world);
    } catch (error) {
      faults.push(error.message.split("\n").slice(0, 6).join("\n     "));
      await visit.look(`failed-${title}`).catch(() => {});
    }
    report(`${name}: ${title}`, [...faults, ...visit.takeFaults()]);
    isWhole &&= faults.length === 0;
    if (!isWhole) break;
  }
  if (isWhole) report(`${name}: every page, dialog and field`, judge.missing());
  console.log(`     ${name}: ${judge.count}`);
  await visit.end();
  return world.nextLink;
}

const browser = await launch(values.chromium);
let link = values.link;
for (const [number, name] of values.walk.entries()) {
  const world = { number: number + 1, isFirst: number === 0, link, item: values.item, urls: {} };
  link = await walk(browser, name, world);
  if (link) continue;
  console.log("no link for the next walk was made: the others are left out");
  break;
}
await browser.close();
for (const name of failures) console.log(`failed: ${name}`);
console.log(`${nPassed} passed, ${failures.length} failed`);
process.exit(failures.length > 0 ? 1 : 0);
