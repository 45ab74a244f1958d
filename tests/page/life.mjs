// SPDX-License-Identifier: Apache-2.0
// ebbd dies under an open page and comes back.
import assert from 'node:assert/strict';
import { objections, open, settled } from './browser.mjs';

// The browser itself tells of each connection that was refused; nothing else may be told.
const REFUSED =
  /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)/;

async function comesBack({ world, browser }) {
  const tab = await open(browser, world);
  await settled(tab);
  await world.kill();
  await tab.getByText('ebbd does not answer.').waitFor();
  assert.ok(
    await tab.getByRole('link', { name: 'documents', exact: true }).first().isVisible(),
    'what was seen stays',
  );
  assert.deepEqual(await objections(tab), []);
  await world.start();
  await tab.getByText('ebbd does not answer.').waitFor({ state: 'detached' });
  await tab.locator('.live:not(.away):not(.connecting)').waitFor();
  const { boot } = await world.get('status');
  assert.ok(boot >= 3, `boot ${boot}`);
  assert.deepEqual(
    tab.said.filter((text) => !REFUSED.test(text)),
    [],
  );
  await tab.context().close();
}

async function hiddenIsQuiet({ world, browser }) {
  const tab = await open(browser, world);
  await settled(tab);
  const asked = [];
  tab.on('request', (request) => asked.push(request.url()));
  await tab.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  asked.length = 0;
  await tab.waitForTimeout(3000); // three turns of ebbd
  assert.deepEqual(asked, []);
  const back = tab.waitForRequest(/events/);
  await tab.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: false, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await back;
  await tab.context().close();
}

export const life = [
  ['life: a hidden page asks nothing', hiddenIsQuiet],
  ['life: ebbd is killed and started, and the page goes on', comesBack],
];
