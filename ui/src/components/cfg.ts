// SPDX-License-Identifier: MIT
//
// cfg: takes a line of a Source configuration apart, so that it can be coloured: a command or
// variable, what follows it, strings in quotes, ';' between commands, and a comment from '//' on.

export type CfgKind =
  "comment" | "string" | "command" | "setting" | "number" | "separator" | "value";

export interface CfgToken {
  from: number;
  to: number;
  kind: CfgKind;
}

// What does something, in place of being set.
const COMMANDS = new Set(
  (
    "alias bind exec echo wait toggle incrementvar writeid writeip banid banip addip removeid removeip " +
    "kick kickid kickall changelevel map say sm sm_cvar sm_rcon meta plugin_load log logaddress_add " +
    "heartbeat hostip sv_setsteamaccount rcon stringtabledictionary unbind unbindall mp_restartgame"
  ).split(" "),
);

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)$/;

/** Where the word that begins at `from` ends. */
function endOfWord(line: string, from: number): number {
  for (let at = from; at < line.length; at++) {
    const c = line.charAt(at);
    if (c === " " || c === "\t" || c === ";" || c === '"' || line.startsWith("//", at)) return at;
  }
  return line.length;
}

function kindOfWord(word: string, isFirst: boolean): CfgKind {
  if (isFirst) return COMMANDS.has(word.toLowerCase()) ? "command" : "setting";
  return NUMBER.test(word) ? "number" : "value";
}

export function cfgTokens(line: string): CfgToken[] {
  const tokens: CfgToken[] = [];
  let isFirst = true;
  for (let at = 0; at < line.length;) {
    const c = line.charAt(at);
    let to = at + 1;
    if (c === " " || c === "\t") {
      at = to;
      continue;
    }
    if (line.startsWith("//", at)) {
      tokens.push({ from: at, to: line.length, kind: "comment" });
      break;
    }
    if (c === ";") {
      tokens.push({ from: at, to, kind: "separator" });
      isFirst = true;
    } else if (c === '"') {
      const end = line.indexOf('"', to);
      to = end < 0 ? line.length : end + 1;
      tokens.push({ from: at, to, kind: isFirst ? "setting" : "string" });
      isFirst = false;
    } else {
      to = endOfWord(line, at);
      tokens.push({ from: at, to, kind: kindOfWord(line.slice(at, to), isFirst) });
      isFirst = false;
    }
    at = to;
  }
  return tokens;
}
