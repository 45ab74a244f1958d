// SPDX-License-Identifier: Apache-2.0
// Figures as people read them: moments in the time of the reader, durations, sizes, shares.

const pad = (n) => String(n).padStart(2, '0');
const DAY_S = 86400;

/** Seconds since 1970 of an RFC 3339 text or of a number; null stays null. */
export function seconds(at) {
  if (at === null || at === undefined) return null;
  const s = typeof at === 'number' ? at : Date.parse(at) / 1000;
  return Number.isFinite(s) ? s : null;
}

export function clock(s) {
  const d = new Date(s * 1000);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

function dayStart(s) {
  const d = new Date(s * 1000);
  d.setHours(0, 0, 0, 0);
  return d.getTime() / 1000;
}

/** "02:10", "tomorrow 02:10", "Tue 02:10", "21 Nov 02:10": as much as tells it from others. */
export function moment(at, now = Date.now() / 1000) {
  const s = seconds(at);
  if (s === null) return 'not known';
  const days = Math.round((dayStart(s) - dayStart(now)) / DAY_S);
  if (days === 0) return clock(s);
  if (days === 1 || days === -1) return `${days < 0 ? 'yesterday' : 'tomorrow'} ${clock(s)}`;
  const d = new Date(s * 1000);
  if (Math.abs(days) < 7)
    return `${d.toLocaleDateString('en-GB', { weekday: 'short' })} ${clock(s)}`;
  const year = d.getFullYear() === new Date(now * 1000).getFullYear() ? {} : { year: 'numeric' };
  const day = d.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', ...year });
  return `${day} ${clock(s)}`;
}

/** "4 min", "2 h 10 min", "3 days": two units at most. */
export function span(s) {
  if (s === null || s === undefined || !Number.isFinite(s)) return 'not known';
  s = Math.abs(s);
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s < 10 && s % 1 ? s.toFixed(1) : Math.round(s)} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.round(hours / 24)} days`;
}

/** As the command line and the configuration take it: "15m", "36h". */
export function option(s) {
  return s % 3600 === 0 ? `${s / 3600}h` : `${Math.round(s / 60)}m`;
}

export function ago(at, now) {
  const s = seconds(at);
  return s === null ? 'never' : now - s < 2 ? 'just now' : `${span(Math.round(now - s))} ago`;
}

export function size(bytes) {
  if (bytes === null || bytes === undefined) return 'not known';
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let i = 0;
  for (; bytes >= 1024 && i < units.length - 1; i++) bytes /= 1024;
  return `${i && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)} ${units[i]}`;
}

/** Three digits that matter, without exponents where people can do without. */
export function figure(x) {
  if (x === null || x === undefined) return 'none';
  if (typeof x !== 'number') return String(x);
  if (x !== 0 && Math.abs(x) < 0.001) return x.toExponential(1);
  return Math.abs(x) >= 100 ? Math.round(x).toLocaleString('en-GB') : String(+x.toPrecision(2));
}

/** How values of a series are written: by its unit. */
export function measure(unit) {
  if (unit === 'share' || unit === 'ratio' || unit === '1')
    return (x) =>
      x === null || x === undefined
        ? 'none'
        : `${x < 0.0995 && x > 0 ? (x * 100).toFixed(1) : Math.round(x * 100)} %`;
  if (unit === 'percent' || unit === '%')
    return (x) => (x === null || x === undefined ? 'none' : `${figure(x)} %`);
  if (unit === 'bytes') return size;
  if (unit === 'bytes/s' || unit === 'bytes per second')
    return (x) => (x === null || x === undefined ? 'none' : `${size(x)}/s`);
  return (x) => (x === null || x === undefined ? 'none' : `${figure(x)}${unit ? ` ${unit}` : ''}`);
}

/** "any" is how a price without bound is written. */
export function price(x) {
  return x === null || x === undefined ? 'none' : x === 'any' ? 'any' : figure(x);
}

export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
