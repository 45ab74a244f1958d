// SPDX-License-Identifier: Apache-2.0
// The page without a mouse.
import assert from 'node:assert/strict';
import { open, settled } from './browser.mjs';

const focused = (tab) =>
  tab.evaluate(() => {
    const e = document.activeElement;
    return e.getAttribute('aria-label') ?? e.textContent.trim();
  });

async function reachesAll({ world, browser }) {
  const tab = await open(browser, world);
  await settled(tab);
  const met = [];
  for (let i = 0; i < 12; i++) {
    await tab.keyboard.press('Tab');
    met.push(await focused(tab));
  }
  for (const word of ['To the content', 'Now', 'Forecast', 'Decisions', 'Data', 'documents'])
    assert.ok(met.includes(word), `${word} is not met: ${met}`);
  await tab.context().close();
}

async function skipsAndFollows({ world, browser }) {
  const tab = await open(browser, world);
  await settled(tab);
  await tab.keyboard.press('Tab');
  await tab.keyboard.press('Enter');
  assert.equal(await tab.evaluate(() => document.activeElement.id), 'content');
  await tab.getByRole('link', { name: 'Decisions', exact: true }).focus();
  await tab.keyboard.press('Enter');
  await tab.getByRole('heading', { name: 'Decisions', level: 1 }).waitFor();
  assert.equal(await tab.evaluate(() => document.activeElement.id), 'content');
  assert.equal(await tab.title(), 'Decisions · ebb');
  await tab.context().close();
}

async function movesThroughTime({ world, browser }) {
  const tab = await open(browser, world, { hash: '#/forecast/documents' });
  await settled(tab);
  const chart = tab.getByRole('group', { name: /The load on documents/ });
  await chart.focus();
  const readout = tab.locator('.readout').first();
  const heard = new Set();
  for (const key of ['Home', 'ArrowRight', 'PageDown', 'End', 'ArrowLeft']) {
    await chart.press(key);
    heard.add(await readout.textContent());
  }
  assert.equal(heard.size, 5, [...heard].join(' | '));
  assert.match([...heard].join(), /expected .* likely/);
  await chart.press('Escape');
  assert.match(await readout.textContent(), /arrow keys/);
  assert.deepEqual(tab.said, []);
  await tab.context().close();
}

export const keys = [
  ['keys: all is reached', reachesAll],
  ['keys: what is skipped is skipped, what is followed is there', skipsAndFollows],
  ['keys: a chart is read moment by moment', movesThroughTime],
];
