// SPDX-License-Identifier: Apache-2.0
// What if asks the planner, and changes nothing.
import assert from 'node:assert/strict';
import { open, settled } from './browser.mjs';

async function asks({ world, browser }) {
  const before = await world.get('resources/documents');
  const tab = await open(browser, world, { hash: '#/forecast/documents' });
  await settled(tab);
  const slider = tab.getByRole('slider');
  assert.equal(await slider.getAttribute('aria-valuetext'), '12 h');
  const answered = tab.waitForResponse((r) => r.url().includes('what-if?rpo=30m'));
  await slider.fill('2');
  const answer = await (await answered).json();
  assert.equal(await slider.getAttribute('aria-valuetext'), '30 min');
  await tab.getByText(answer.sentence).first().waitFor();
  await settled(tab);
  const drawn = tab.locator('.block.plan.if');
  assert.equal(await drawn.count(), answer.planned.length, 'what would be planned is drawn');
  await tab.getByRole('button', { name: 'Back to the policy' }).click();
  assert.equal(await drawn.count(), 0);
  const after = await world.get('resources/documents');
  assert.equal(after.rpo_seconds, before.rpo_seconds);
  assert.deepEqual(tab.said, []);
  await tab.context().close();
}

export const whatIf = [['what if: the real planner answers', asks]];
