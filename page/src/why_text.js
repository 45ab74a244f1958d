// SPDX-License-Identifier: Apache-2.0
// What the planner says of a decision, taken apart: the same text that `ebb job why` prints.
import { moment } from './words.js';

const MOMENT = /\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z/g;

const BYTES = /\b\d{4,}B\b/g;

/** Three digits of bytes, by thousands, as the other sizes in these texts are. */
function rounded(text) {
  const bytes = parseInt(text, 10);
  const step = Math.min(4, Math.floor((String(bytes).length - 1) / 3));
  return `${+(bytes / 1000 ** step).toPrecision(3)} ${['B', 'kB', 'MB', 'GB', 'TB'][step]}`;
}

/** Moments stand in UTC there; here in the time of the reader, as everywhere on the page. */
export const localised = (text, now) =>
  text.replace(MOMENT, (at) => moment(at, now)).replace(BYTES, rounded);

const NAMED = { otherwise: 'otherwise', changes: 'changes', 'to do': 'remedy' };

export function takeApart(text) {
  const [head = '', ...lines] = text.split('\n').filter((line) => line.trim());
  const told = { head, facts: [], because: [], otherwise: null, changes: null, remedy: null };
  for (const line of lines.map((l) => l.trim())) {
    const named = line.match(/^(otherwise|changes|to do): (.*)$/);
    if (named) told[NAMED[named[1]]] = named[2];
    else if (line.startsWith('- ')) told.because.push(line.slice(2));
    else told.facts.push(line);
  }
  return told;
}
