// SPDX-License-Identifier: MIT

// What foreign clients say about a server:
//   node judge.mjs a2s HOST PORT                 gamedig's view of INFO, players and rules, as JSON
//   node judge.mjs rcon HOST PORT PASSWORD CMD   the answer as npm's rcon reads it
// Exit 0: answered, 1: no answer or refused, 2: usage, 3: the session ended in the middle.

import { GameDig } from 'gamedig';
import Rcon from 'rcon';

const TIMEOUT_MS = 5000;

async function a2s(host, port) {
  const state = await GameDig.query({
    type: 'l4d2',
    host,
    port: Number(port),
    givenPortOnly: true,
    requestRules: true,
    socketTimeout: TIMEOUT_MS,
    maxRetries: 1,
  });
  console.log(JSON.stringify(state));
}

// Nothing marks the end of an answer; an echo behind the command does.
function rcon(host, port, password, command) {
  const mark = `judge-${process.pid}`;
  const client = new Rcon(host, Number(port), password);
  let answer = '';

  return new Promise((resolve, reject) => {
    const fail = (text, code) => reject(Object.assign(new Error(text), { code }));
    const timer = setTimeout(() => fail('no answer', 1), TIMEOUT_MS);
    client.on('auth', () => {
      client.send(command);
      client.send(`echo ${mark}`);
    });
    client.on('response', (text) => {
      answer += text;
      if (!answer.includes(mark)) return;
      clearTimeout(timer);
      client.disconnect();
      resolve(answer.slice(0, answer.indexOf(mark)));
    });
    client.on('error', (error) => fail(error.message, 1));
    client.on('end', () => fail('the session ended', 3));
    client.connect();
  }).then((text) => process.stdout.write(text));
}

const verbs = { a2s: [a2s, 2], rcon: [rcon, 4] };
const [verb, ...words] = process.argv.slice(2);
if (!verbs[verb] || words.length !== verbs[verb][1]) {
  console.error('usage: judge.mjs a2s HOST PORT | rcon HOST PORT PASSWORD COMMAND');
  process.exit(2);
}
try {
  await verbs[verb][0](...words);
  process.exitCode = 0;
} catch (error) {
  console.error(error.message);
  process.exit(Number.isInteger(error.code) ? error.code : 1);
}
