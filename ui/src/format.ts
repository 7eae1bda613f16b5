// SPDX-License-Identifier: MIT

// format: numbers, sizes and times as people read them.

import { text } from "./strings";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return "–";
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${number(value, digits)} ${UNITS[unit] ?? ""}`;
}

export function number(n: number | null | undefined, digits = 0): string {
  if (n === null || n === undefined) return "–";
  return n.toLocaleString(text.locale, { maximumFractionDigits: digits });
}

export function date(unixS: number): string {
  return new Date(unixS * 1000).toLocaleString(text.locale, {
    dateStyle: "medium",
    timeStyle: "short",
  });
}

/** With the second, as logs have it. */
export function clock(timeUs: number): string {
  return new Date(timeUs / 1000).toLocaleTimeString("en-GB");
}

/** "3 min. ago", "in 2 hr." */
export function relative(unixS: number, nowUnixS: number): string {
  const format = new Intl.RelativeTimeFormat(text.locale, { style: "short", numeric: "auto" });
  const seconds = unixS - nowUnixS;
  const size = Math.abs(seconds);
  if (size < 45) return text.time.justNow;
  if (size < 3600) return format.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return format.format(Math.round(seconds / 3600), "hour");
  if (size < 86_400 * 30) return format.format(Math.round(seconds / 86_400), "day");
  return date(unixS);
}

export function duration(seconds: number): string {
  if (seconds < 1) return text.time.underASecond;
  if (seconds < 60) return text.time.seconds(Math.round(seconds));
  if (seconds < 3600) return text.time.minutes(Math.floor(seconds / 60), Math.round(seconds % 60));
  return text.time.hours(Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60));
}

const BROWSERS: readonly [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrom(e|ium)\//, "Chrome"],
  [/Version\/.* Safari\//, "Safari"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

/** What somebody came with, as he knows it; what is not known stays as it says itself. */
export function browserOf(agent: string): string {
  const browser = BROWSERS.find(([words]) => words.test(agent))?.[1];
  const system = SYSTEMS.find(([words]) => words.test(agent))?.[1];
  return browser && system ? text.account.browserOn(browser, system) : agent;
}

export function joined(words: readonly string[]): string {
  return new Intl.ListFormat(text.locale, { type: "conjunction" }).format(words);
}

/** The bytes that "20G" or "1.5 GiB" says, null: it says no size. */
export function parseSize(words: string): number | null {
  const found = /^(\d+(?:[.,]\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(words.trim());
  if (!found?.[1]) return null;
  const power = " KMGT".indexOf((found[2] || " ").toUpperCase());
  return Math.round(Number(found[1].replace(",", ".")) * 1024 ** power);
}

/** As parseSize() reads it, without a loss. */
export function writtenSize(n: number): string {
  for (const [power, letter] of [
    [4, "T"],
    [3, "G"],
    [2, "M"],
    [1, "K"],
  ] as const)
    if (n >= 1024 ** power && n % 1024 ** power === 0) return `${n / 1024 ** power}${letter}`;
  return String(n);
}
