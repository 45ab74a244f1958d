// SPDX-License-Identifier: Apache-2.0
// A real browser, and what is held against every page that is opened in it: nothing on the console,
// nothing that axe-core objects to.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../page/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

const PATIENCE_MS = 30_000;

export async function launch() {
  const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
  const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
  return chromium.launch({ executablePath, args });
}

/** A tab whose console is listened to; `tab.said` is what it said. */
export async function open(
  browser,
  world,
  { theme = 'light', width = 1280, scale = 1, hash = '' } = {},
) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    deviceScaleFactor: scale,
    colorScheme: theme,
    timezoneId: world.zone,
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const tab = await context.newPage();
  tab.said = [];
  tab.on('console', (message) => tab.said.push(message.text()));
  tab.on('pageerror', (error) => tab.said.push(error.stack));
  await tab.goto(world.url + hash);
  return tab;
}

/** Goes to a view by its link, as a reader would; done when nothing is awaited any more. */
export async function go(tab, hash) {
  await tab.evaluate((to) => {
    location.hash = to;
    // The view before is still there until the next one was drawn.
    return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  }, hash);
  await settled(tab);
}

export async function settled(tab) {
  await tab.waitForSelector('main h1');
  await tab.waitForFunction(() => !document.querySelector('[aria-busy=true]'));
  await tab.waitForSelector('.live:not(.connecting)');
}

export async function objections(tab) {
  if (!(await tab.evaluate(() => Boolean(window.axe)))) await tab.evaluate(axe.source);
  const { violations } = await tab.evaluate(() => window.axe.run());
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target} ${n.failureSummary}`));
}
