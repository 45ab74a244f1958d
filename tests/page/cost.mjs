// SPDX-License-Identifier: Apache-2.0
// What open pages cost ebbd: processor time, which does not depend on what else the machine does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const PAGES = 30;
const TURNS = 4; // of a second each here, of ten unless configured
const TURN_S = 10;
const MOST = 0.05; // of a core
const TICKS_PER_S = 100; // of /proc

function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(stat[11]) + Number(stat[12])) / TICKS_PER_S;
}

/** As a page does: listens, and asks for the status in each turn. Ends when it is told to. */
async function page(world, end, counts) {
  const events = await fetch(`${world.url}api/v1/events`, { signal: end });
  const text = new TextDecoder();
  for await (const bytes of events.body)
    if (text.decode(bytes, { stream: true }).includes('event: status')) {
      counts.turns++;
      await world.get('status');
    }
}

async function thirtyPages({ world }) {
  const end = new AbortController();
  const counts = { turns: 0 };
  const idle = cpuSeconds(world.child.pid);
  await sleep(TURNS * 1000);
  const before = cpuSeconds(world.child.pid);
  const pages = Array.from({ length: PAGES }, () =>
    page(world, end.signal, counts).catch(() => {}),
  );
  await sleep(TURNS * 1000);
  const after = cpuSeconds(world.child.pid);
  end.abort();
  await Promise.all(pages);
  const turns = counts.turns / PAGES;
  assert.ok(turns >= TURNS / 2, `${turns} turns were told`);
  const each = (after - before - (before - idle)) / turns;
  const share = each / TURN_S;
  console.log(
    `# ${PAGES} pages: ${(each * 1000).toFixed(1)} ms a turn, ${(share * 100).toFixed(2)} %`,
  );
  assert.ok(share < MOST, `${share} of a core`);
}

export const cost = [['cost: thirty open pages are cheap', thirtyPages]];
