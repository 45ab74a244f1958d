// SPDX-License-Identifier: Apache-2.0
// The outlook of a resource as the charts want it: columns of seconds and values, blocks of time,
// and what can be said about it in a sentence.
import { moment, seconds } from './words.js';

const column = (slots, key) => slots.map((slot) => slot[key] ?? null);

/** What `from` and `to` bound; what has no end yet lasts until now. */
function block(one, now) {
  const from = seconds(one.from ?? one.started);
  return { ...one, from, to: Math.max(from + 1, seconds(one.to ?? one.ended) ?? now) };
}

export function columns(outlook) {
  const slots = outlook.slots ?? [];
  const at = slots.map((slot) => seconds(slot.at));
  const now = seconds(outlook.now) ?? Date.now() / 1000;
  const last = slots.at(-1);
  return {
    at,
    now,
    from: at[0] ?? now,
    to: last ? at.at(-1) + (last.seconds ?? 300) : now + 86400,
    seconds: column(slots, 'seconds'),
    measured: column(slots, 'measured'),
    low: column(slots, 'p2_5'),
    lower: column(slots, 'p10'),
    middle: column(slots, 'p50'),
    upper: column(slots, 'p90'),
    high: column(slots, 'p97_5'),
    cost: column(slots, 'price'), // what the first bit of a job would cost others then
    price: outlook.price ?? null, // what may be paid: a number, 'any', or null
    limit: column(slots, 'limit'),
    planned: (outlook.planned ?? []).map((p) => block(p, now)),
    jobs: (outlook.jobs ?? []).map((j) => block(j, now)),
    deadline: seconds(outlook.deadline),
  };
}

/** The largest value that is drawn, rounded up to what can be read off. */
export function ceiling(c, unit) {
  const all = [...c.measured, ...c.high, ...c.limit].filter((v) => v !== null);
  const top = all.reduce((a, b) => Math.max(a, b), 0);
  if ((unit === 'share' || unit === 'ratio') && top > 0.6) return Math.max(1, top);
  if (top <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(top));
  return (
    [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((m) => m * power).find((v) => v >= top * 1.05) ?? 10 * power
  );
}

/** The index of the slot that holds a moment. */
export function slotAt(c, t) {
  let i = c.at.findIndex((at) => at > t);
  if (i < 0) i = c.at.length;
  return Math.max(0, i - 1);
}

/** Mean of what was off, and of what was there. */
export function offBy(pairs) {
  let off = 0,
    sum = 0,
    n = 0;
  for (const { p50, measured } of pairs)
    if (typeof p50 === 'number' && typeof measured === 'number') {
      off += Math.abs(p50 - measured);
      sum += measured;
      n++;
    }
  return n ? { off: off / n, mean: sum / n, count: n } : null;
}

export function planSentence(outlook, c) {
  const next = c.planned.find((p) => p.to > c.now);
  const due = c.deadline ? `, due by ${moment(c.deadline, c.now)}` : '';
  if (!next) return `Nothing is planned within what is shown${due}.`;
  const kind = next.kind ?? 'point';
  const tier = next.tier && !next.tier.includes('/') ? ` to ${next.tier}` : '';
  return `Next ${kind}${tier}: ${moment(next.from, c.now)} to ${moment(next.to, c.now)}${due}.`;
}
