// SPDX-License-Identifier: Apache-2.0
// What if asks the planner, and changes nothing.
import assert from 'node:assert/strict';
import { open, settled } from './browser.mjs';

async function asks({ world, browser }) {
  const before = await world.get('resources/documents');
  const tab = await open(browser, world, { hash: '#/forecast/documents' });
  await settled(tab);
  const slider = tab.getByRole('slider');
  assert.equal(await slider.getAttribute('aria-valuetext'), '24 h');
  const answered = tab.waitForResponse((r) => r.url().includes('what-if?rpo=1h'));
  await slider.fill('3');
  const answer = await (await answered).json();
  assert.equal(await slider.getAttribute('aria-valuetext'), '1 h');
  await tab.getByText(answer.sentence).first().waitFor();
  assert.ok((await tab.locator('.block.plan.if').count()) > 0, 'what would be planned is drawn');
  await tab.getByRole('button', { name: 'Back to the policy' }).click();
  assert.equal(await tab.locator('.block.plan.if').count(), 0);
  const after = await world.get('resources/documents');
  assert.equal(after.rpo_seconds, before.rpo_seconds);
  assert.deepEqual(tab.said, []);
  await tab.context().close();
}

export const whatIf = [['what if: the real planner answers', asks]];
