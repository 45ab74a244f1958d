// SPDX-License-Identifier: Apache-2.0
// Whether a decision was right: what it promised, held against what came.
import { figure, moment, seconds, span } from './words.js';

const JUST = 1.5; // a cost within this factor of what was expected was well foreseen

/** How long it took by the clock, which the ledger keeps in whole seconds; "" while it runs. */
export function took(job) {
  const s = seconds(job.ended) === null ? null : seconds(job.ended) - seconds(job.started);
  return s === null ? '' : s < 1 ? 'a moment' : span(s);
}

export const runs = (job) => job.state === 'ships' || job.state === 'proves';

/** { word, good }: good null while that is not known. */
export function timely(job) {
  const due = seconds(job.late_after),
    ended = seconds(job.ended);
  if (job.state === 'failed' || job.state === 'lost')
    return { word: job.state === 'lost' ? 'ebbd ended under it' : `code ${job.code}`, good: false };
  if (ended === null) return { word: 'still under way', good: null };
  if (due === null) return { word: 'the first', good: true };
  return ended <= due
    ? { word: `in time, ${span(due - ended)} to spare`, good: true }
    : { word: `late by ${span(ended - due)}`, good: false };
}

export function foreseen(job) {
  if (!job.work || !job.took || runs(job)) return null;
  const factor = job.took / job.work;
  const near = factor <= JUST && factor >= 1 / JUST;
  const than =
    factor > 1
      ? `${figure(factor)} times what was expected`
      : `${figure(1 / factor)} times less than expected`;
  return { word: near ? 'as much disk time as expected' : than, good: near };
}

/** The sentences under "Was it right". */
export function verdict(job, now) {
  const said = [timely(job), foreseen(job)].filter(Boolean);
  if (job.state === 'failed') said[0] = { word: `it failed: exit code ${job.code}`, good: false };
  if (job.state === 'done')
    said.push({ word: `read back and proved ${moment(job.ended, now)}`, good: true });
  return said;
}
