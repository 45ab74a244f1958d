// SPDX-License-Identifier: Apache-2.0
// The page in a real browser, over a real ebbd. Speaks TAP.
//
//   node tests/page/run.mjs EBBD EBB SHOTS
//
// EBB_TESTS="keys life" runs those whose name contains a word. Pictures of every view go to SHOTS.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { launch } from './browser.mjs';
import { cost } from './cost.mjs';
import { keys } from './keys.mjs';
import { life } from './life.mjs';
import { story } from './story.mjs';
import { views } from './views.mjs';
import { whatIf } from './what_if.mjs';
import { World } from './world.mjs';

const [ebbd, ebb, shots] = process.argv.slice(2).map((path) => resolve(path));
mkdirSync(shots, { recursive: true });
const words = (process.env.EBB_TESTS ?? '').split(' ').filter(Boolean);
const tests = [...views, ...keys, ...whatIf, ...story, ...cost, ...life].filter(
  ([name]) => !words.length || words.some((word) => name.includes(word)),
);

/** One test, told as TAP; whether it went well. */
async function run(number, [name, test], given) {
  const began = Date.now();
  let trouble = null;
  try {
    await test(given);
  } catch (error) {
    trouble = error;
  }
  for (const line of trouble ? (trouble.stack ?? String(trouble)).split('\n') : [])
    console.log(`# ${line}`);
  console.log(`# ${((Date.now() - began) / 1000).toFixed(1)} s`);
  console.log(`${trouble ? 'not ok' : 'ok'} ${number} - ${name}`);
  return !trouble;
}

console.log(`TAP version 13\n1..${tests.length}`);
const world = new World(ebbd, ebb);
let browser = null;
let failed = 0;
try {
  await world.prepare();
  await world.start();
  browser = await launch();
  for (const [i, test] of tests.entries())
    if (!(await run(i + 1, test, { world, browser, shots }))) failed++;
} catch (error) {
  console.log(`Bail out! ${error.stack.split('\n').join(' ')}`);
  failed++;
} finally {
  await browser?.close();
  await world.close();
}
process.exitCode = failed ? 1 : 0;
