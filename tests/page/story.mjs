// SPDX-License-Identifier: Apache-2.0
// The whole story of a resource by links, and by the same ids on the command line.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { objections, open, settled } from './browser.mjs';
import { until } from './world.mjs';

const squeezed = (text) => text.replace(/\s+/g, ' ');

/** The line that the page gives, as it stands, with a target and the key. */
function restored(world, line) {
  const target = world.path('back');
  const [program, ...words] = line.replace('TARGET', target).split(' ');
  assert.equal(program, 'ebb');
  world.ebb(...words, '--key-file', world.path('key'));
  for (const name of readdirSync(world.path('data')))
    assert.deepEqual(readFileSync(join(target, name)), readFileSync(world.path(`data/${name}`)));
}

async function isFollowed({ world, browser }) {
  const tab = await open(browser, world);
  await settled(tab);
  await tab.getByRole('link', { name: 'documents', exact: true }).first().click();
  await tab.getByRole('heading', { name: 'documents', level: 1 }).waitFor();
  await tab.getByRole('link', { name: 'Why', exact: true }).first().click();
  await tab.getByRole('heading', { name: 'On these facts' }).waitFor();
  const now = squeezed(await tab.locator('main').textContent());
  const said = world.ebb('job', 'why', 'documents', '--state', world.path('state'));
  const because = said.split('\n').find((line) => line.includes('- policy documents'));
  assert.ok(now.includes(because.trim().slice(2, 40)), `${because} is not in ${now}`);

  await tab.getByRole('link', { name: 'Its jobs' }).click();
  const newest = tab.locator('tbody a[href^="#/decisions/job/"]').first();
  const id = await newest.textContent();
  await newest.click();
  await tab.getByRole('heading', { name: `Job ${id} of documents` }).waitFor();
  await tab.getByText(`ebb job why ${id}`).waitFor();
  await tab.getByRole('heading', { name: 'On these facts' }).waitFor();
  const then = world.ebb('job', 'why', id, '--state', world.path('state'));
  const facts = then.split('\n').filter((line) => line.trim().startsWith('- '));
  assert.equal(await tab.locator('.because li').count(), facts.length);

  await tab.getByRole('link', { name: 'Its points' }).click();
  await tab.getByRole('heading', { name: 'Recovery points' }).waitFor();
  const point = tab.locator('tbody a[href^="#/data?point="]').first();
  await point.click();
  await tab.getByRole('link', { name: 'The job that made it' }).waitFor();
  assert.deepEqual(await objections(tab), []);
  const line = await tab.locator('.copy code').first().textContent();
  restored(world, line);
  assert.deepEqual(tab.said, []);
  await tab.context().close();
}

async function isOrdered({ world, browser }) {
  const tab = await open(browser, world);
  await settled(tab);
  const newest = (await world.get('jobs?resource=documents')).jobs[0].id;
  await tab.getByRole('button', { name: 'Protect now: documents' }).click();
  await tab.getByText('Asked for').waitFor();
  const next = await until(
    () => world.get('jobs?resource=documents').then(({ jobs }) => jobs.find((j) => j.id > newest)),
    'the job that was asked for',
  );
  await tab.locator(`tbody a[href="#/decisions/job/${next.id}"]`).waitFor();
  assert.deepEqual(tab.said, []);
  await tab.context().close();
}

export const story = [
  ['story: resource, forecast, decision, job, point, by links', isFollowed],
  ['story: a point is ordered, and its job appears by itself', isOrdered],
];
