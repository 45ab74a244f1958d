// SPDX-License-Identifier: Apache-2.0
// Every view with what a real ebbd tells, light and dark, wide and narrow.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { go, objections, open, settled } from './browser.mjs';
import { until } from './world.mjs';

const VIEWS = {
  now: '#/',
  forecast: '#/forecast/documents',
  decisions: '#/decisions',
  job: '#/decisions/job/1',
  why: '#/decisions/resource/documents',
  data: '#/data',
};
const FIRST_PAINT_MS = 300;

/** Points and a failure, so that there is something to see. */
async function lived({ world }) {
  for (const name of ['documents', 'gone'])
    assert.equal((await world.post(`resources/${name}/now`)).status, 200);
  await until(() => world.jobs('done').then((jobs) => jobs.length), 'the first point');
  await until(() => world.jobs('failed').then((jobs) => jobs.length), 'a failure of what is gone');
  await world.post('resources/documents/now');
  await until(() => world.jobs('done').then((jobs) => jobs.length >= 2), 'the second point');
}

const looks = [];
for (const theme of ['light', 'dark']) {
  for (const width of [1280, 390]) {
    looks.push([
      `views: all of them, ${theme}, ${width} wide, without objections`,
      async ({ world, browser, shots }) => {
        const tab = await open(browser, world, { theme, width });
        for (const [name, hash] of Object.entries(VIEWS)) {
          await go(tab, hash);
          await tab.screenshot({
            path: join(shots, `${name}-${theme}-${width}.png`),
            fullPage: true,
          });
          assert.deepEqual(await objections(tab), [], name);
          const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(wide <= width, `${name} is ${wide} wide`);
        }
        assert.deepEqual(tab.said, []);
        await tab.context().close();
      },
    ]);
  }
}

/** The picture of README.md: twice as fine, only the chart. */
async function picture({ world, browser, shots }) {
  const tab = await open(browser, world, { hash: '#/forecast/documents', scale: 2, width: 1080 });
  await settled(tab);
  await tab.waitForSelector('.uplot canvas');
  const chart = tab.getByRole('region', { name: 'Load and jobs' });
  assert.ok((await chart.locator('.block.plan').count()) > 0, 'a job is planned');
  assert.ok((await chart.locator('.block.job').count()) > 0, 'a job is done');
  await chart.screenshot({ path: join(shots, 'forecast.png') });
  assert.deepEqual(tab.said, []);
  await tab.context().close();
}

async function painted(browser, world, path) {
  const tab = await open(browser, world, { hash: path });
  const at = await tab.waitForFunction(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
  );
  const ms = await at.jsonValue();
  await tab.context().close();
  return ms;
}

/** Beside a page without scripts: what a busy machine and its browser take is in both. */
async function paintsSoon({ world, browser }) {
  const ours = [];
  const plain = [];
  for (let i = 0; i < 3; i++) {
    ours.push(await painted(browser, world, ''));
    plain.push(await painted(browser, world, 'plain'));
  }
  const [first, other] = [Math.min(...ours), Math.min(...plain)].map(Math.round);
  console.log(`# first paint after ${first} ms, that of the plain page after ${other} ms`);
  assert.ok(first < other + FIRST_PAINT_MS, `${first} ms, the plain page ${other} ms`);
}

async function tablesTell({ world, browser }) {
  const tab = await open(browser, world, { hash: '#/forecast/documents' });
  await settled(tab);
  const summaries = await tab.locator('details.behind > summary').all();
  assert.ok(summaries.length >= 2, 'load and week have tables');
  for (const summary of summaries) await summary.click();
  const outlook = await world.get('resources/documents/outlook?horizon=24h');
  const rows = await tab.locator('details.behind').first().locator('tbody tr').count();
  assert.ok(
    Math.abs(rows - outlook.slots.length) <= 2,
    `${rows} rows, ${outlook.slots.length} slots`,
  );
  assert.deepEqual(tab.said, []);
  await tab.context().close();
}

async function themeIsKept({ world, browser }) {
  const tab = await open(browser, world);
  const theme = () => tab.evaluate(() => document.documentElement.dataset.theme);
  assert.equal(await theme(), 'light');
  await tab.getByRole('button', { name: 'Use dark colours' }).click();
  assert.equal(await theme(), 'dark');
  await tab.reload();
  assert.equal(await theme(), 'dark');
  assert.deepEqual(tab.said, []);
  await tab.context().close();
}

async function nothingThere({ world, browser }) {
  const tab = await open(browser, world, { hash: '#/nowhere/at/all' });
  await tab.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  await go(tab, '#/forecast/no%2Fsuch%20thing');
  await tab.getByText('Nothing of that name is protected').waitFor();
  await tab.context().close();
}

export const views = [
  ['views: a folder is protected, and one that is gone is not', lived],
  ...looks,
  ['views: the chart has jobs that are done and planned', picture],
  ['views: the first paint comes soon', paintsSoon],
  ['views: each chart has its table', tablesTell],
  ['views: the theme is what was chosen', themeIsKept],
  ['views: links to nothing say so', nothingThere],
];
