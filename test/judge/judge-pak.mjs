// SPDX-License-Identifier: MIT

// What foreign readers find in files of the game:
//   node judge-pak.mjs vpk FILE...        npm's vpk: entries and their content
//   node judge-pak.mjs kvparser FILE...   whether npm's kvparser finds what pakdump did, in FILE.json
//   node judge-pak.mjs vdf FILE...        the same of @node-steam/vdf
// One line of JSON for each file. {"error": WHY}: it refuses the file.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

// An entry it cannot read, or whose checksum is wrong, has no sum.
function content(archive, path) {
  try {
    const bytes = archive.getFile(path);
    return { size: bytes.length, md5: createHash('md5').update(bytes).digest('hex') };
  } catch {
    return { size: archive.tree[path].preloadBytes + archive.tree[path].entryLength, md5: null };
  }
}

// It takes every byte of a path for a character.
function name(path) {
  return Buffer.from(path, 'latin1').toString('utf8');
}

function vpk(file, Vpk) {
  const archive = new Vpk(file);
  archive.load();
  return {
    version: archive.header.version,
    entries: archive.files.map((path) => ({
      path: name(path),
      crc32: archive.tree[path].crc,
      ...content(archive, path),
    })),
  };
}

// Of equal keys the last one counts, and one block is all there is at the top.
function last(list) {
  const tree = {};
  for (const [key, value] of list) tree[key] = Array.isArray(value) ? last(value) : value;
  return tree;
}

// Blocks of the same key become one, and what looks like something becomes that.
const WORDS = { true: true, false: false, null: null, undefined };

function joined(list, tree = {}) {
  for (const [key, value] of list) {
    if (Array.isArray(value)) tree[key] = joined(value, tree[key]);
    else if (value in WORDS) tree[key] = WORDS[value];
    else tree[key] = value !== '' && !Number.isNaN(Number(value)) ? Number(value) : value;
  }
  return tree;
}

function compare(file, parse, fold) {
  const found = parse(readFileSync(file, 'utf8').replace(/^\ufeff/, ''));
  const ours = fold(JSON.parse(readFileSync(`${file}.json`, 'utf8')));
  return isDeepStrictEqual(found, ours) ? { same: true } : { same: false, found, ours };
}

// Each with its module, of which only the one that is asked is loaded.
const verbs = {
  vpk: ['vpk', vpk],
  kvparser: ['kvparser', (file, { parse }) => compare(file, parse, (list) => last(list.slice(0, 1)))],
  vdf: ['@node-steam/vdf', (file, { parse }) => compare(file, parse, joined)],
};
const [verb, ...files] = process.argv.slice(2);
if (!verbs[verb] || files.length === 0) {
  console.error('usage: judge-pak.mjs vpk|kvparser|vdf FILE...');
  process.exit(2);
}
const [module, run] = verbs[verb];
const { default: reader } = await import(module);
for (const file of files) {
  let said;
  try {
    said = run(file, reader);
  } catch (error) {
    said = { error: error.message };
  }
  console.log(JSON.stringify(said));
}
