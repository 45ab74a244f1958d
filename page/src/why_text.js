// SPDX-License-Identifier: Apache-2.0
// What the planner says of a decision, taken apart: the same text that `ebb job why` prints.
import { moment } from './words.js';

const MOMENT = /\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z/g;

/** Moments stand in UTC there; here in the time of the reader, as everywhere on the page. */
export const localised = (text, now) => text.replace(MOMENT, (at) => moment(at, now));

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
