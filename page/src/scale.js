// SPDX-License-Identifier: Apache-2.0
// Time across the page, in pixels and back, and the moments that are written below it.

const HOUR = 3600;
const STEPS = [600, 1800, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR];

export function timeScale(from, to, left, right) {
  const per = (right - left) / Math.max(1, to - from);
  return {
    from,
    to,
    left,
    right,
    x: (t) => left + (t - from) * per,
    clamp: (t) => left + (Math.min(to, Math.max(from, t)) - from) * per,
    at: (x) => from + (x - left) / per,
  };
}

/** Whole hours of local time, at least `room` pixels apart. */
export function ticks(scale, room = 64) {
  const most = Math.max(2, Math.floor((scale.right - scale.left) / room));
  const step = STEPS.find((s) => (scale.to - scale.from) / s <= most) ?? STEPS.at(-1);
  const start = new Date(scale.from * 1000);
  start.setHours(0, 0, 0, 0);
  const list = [];
  for (let t = start.getTime() / 1000; t <= scale.to; t += step) if (t >= scale.from) list.push(t);
  return list;
}

/** A path through [x, y] points; null y is a gap. */
export function linePath(points) {
  let text = '',
    pen = 'M';
  for (const [x, y] of points) {
    if (y === null || y === undefined) {
      pen = 'M';
      continue;
    }
    text += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  }
  return text;
}

/** The area between two courses over the same xs; gaps part it. */
export function bandPath(points) {
  const runs = [];
  let run = [];
  for (const p of points) {
    if (p[1] === null || p[1] === undefined || p[2] === null || p[2] === undefined) {
      if (run.length) runs.push(run);
      run = [];
    } else {
      run.push(p);
    }
  }
  if (run.length) runs.push(run);
  return runs
    .map(
      (r) =>
        `${linePath(r.map(([x, , high]) => [x, high]))}${linePath(
          r
            .slice()
            .reverse()
            .map(([x, low]) => [x, low]),
        ).replace('M', 'L')}Z`,
    )
    .join('');
}
