// SPDX-License-Identifier: Apache-2.0
// Three weeks of an office server's disk, as telegraf would have written them: busy in working
// hours with a dip at noon, a batch job each night at two, two quiet days in seven. The days are
// counted from today, so that today is always a busy one. The same shape each time.

const STEP_S = 300;
const DAY_S = 86400;

/** Numbers in 0..1, the same each time. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const bell = (hour, at, width) => Math.exp(-(((hour - at) / width) ** 2));

/** The share of its time that the disk is busy; `day` 0 is today. */
function busy(day, hour, chance) {
  const quiet = [3, 4].includes(((day % 7) + 7) % 7);
  const work = 0.62 * bell(hour, 10.5, 2.1) + 0.5 * bell(hour, 15, 1.9);
  const batch = hour >= 2 && hour < 3.2 ? 0.5 : 0;
  const noise = Math.exp((chance() + chance() + chance() - 1.5) * 0.35);
  return Math.min(1, (0.03 + work * (quiet ? 0.2 : 1) + batch) * noise);
}

/** Lines of InfluxDB's protocol up to `now`; `offset`: seconds from UTC to the office's time. */
export function officeLines({ now, offset, days, disk }) {
  const chance = dice(7);
  const today = Math.floor((now + offset) / DAY_S);
  const from = Math.floor(now / STEP_S) * STEP_S - days * DAY_S;
  const lines = [];
  let total = 1000;
  for (let t = from; t <= now; t += STEP_S) {
    const local = t + offset;
    total +=
      busy(Math.floor(local / DAY_S) - today, (local % DAY_S) / 3600, chance) * STEP_S * 1000;
    lines.push(`diskio,host=office,name=${disk} io_time=${Math.round(total)}i ${t}000000000`);
  }
  return lines.join('\n') + '\n';
}
