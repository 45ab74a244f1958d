// SPDX-License-Identifier: Apache-2.0
// What if points had to be younger, or might be older: the real planner is asked, nothing changes.
import { useEffect, useState } from 'preact/hooks';
import { Failure } from './notice.jsx';
import { useDocument } from './documents.js';
import { figure, moment, option, price, seconds, span } from './words.js';

const STOPS = [600, 900, 1800, 3600, 7200, 14400, 21600, 28800, 43200, 86400, 172800]; // seconds
const SETTLE_MS = 180;

function nearest(s) {
  const off = STOPS.map((stop) => Math.abs(Math.log(stop / s)));
  return off.indexOf(Math.min(...off));
}

/** What a slider says, once it has stood still for a moment. */
function useSettled(value) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** [stop, setStop, document or null]: null while the slider stands where the policy does. */
export function useWhatIf(name, rpo) {
  const home = nearest(rpo);
  const [stop, setStop] = useState(home);
  const settled = useSettled(stop);
  const asked = settled !== home && stop !== home;
  const path = `resources/${encodeURIComponent(name)}/what-if?rpo=${option(STOPS[settled])}`;
  const answer = useDocument(asked ? path : null, { decision: 30 });
  return { stop, setStop, home, asked, answer };
}

function Row({ what, is, would }) {
  return (
    <tr>
      <th scope="row">{what}</th>
      <td>{is}</td>
      <td class="would">{would}</td>
    </tr>
  );
}

const first = (planned, now) =>
  planned?.map((p) => ({ from: seconds(p.from), to: seconds(p.to) })).find((p) => p.to > now);
const windowWords = (p, now) =>
  p ? `${moment(p.from, now)} to ${moment(p.to, now)}` : 'beyond what is shown';

function Compare({ plan, rpo, would, wouldRpo, now, planned }) {
  return (
    <table class="compare" aria-live="polite">
      <thead>
        <tr>
          <td />
          <th scope="col">as it is</th>
          <th scope="col">what if</th>
        </tr>
      </thead>
      <tbody>
        <Row what="a point is never older than" is={span(rpo)} would={wouldRpo && span(wouldRpo)} />
        <Row
          what="next"
          is={windowWords(first(planned, now), now)}
          would={would && windowWords(first(would.planned, now), now)}
        />
        <Row what="due" is={moment(plan?.due, now)} would={would && moment(would.deadline, now)} />
        <Row what="price" is={price(plan?.price)} would={would && price(would.price)} />
        <Row what="harm to others" is={figure(plan?.harm)} would={would && figure(would.harm)} />
      </tbody>
    </table>
  );
}

export function WhatIf({ resource, planned, now, whatIf }) {
  const { stop, setStop, home, asked, answer } = whatIf;
  const wouldRpo = STOPS[stop];
  const would = asked ? answer.value : null;
  const sentence =
    would?.sentence ?? (asked ? 'asking the planner' : 'this is what the policy says');
  return (
    <div class="what-if">
      <div>
        <div class="slider">
          <label for="rpo">
            A point is never older than <output for="rpo">{span(wouldRpo)}</output>
          </label>
          <input
            id="rpo"
            type="range"
            min="0"
            max={STOPS.length - 1}
            step="1"
            value={stop}
            aria-valuetext={span(wouldRpo)}
            onInput={(event) => setStop(+event.currentTarget.value)}
          />
          <div class="ends" aria-hidden="true">
            <span>{span(STOPS[0])}</span>
            <span>{span(STOPS.at(-1))}</span>
          </div>
        </div>
        {asked && answer.error && !answer.error.away ? (
          <Failure error={answer.error} />
        ) : (
          <p class={would && would.feasible === false ? 'verdict bad' : 'verdict'} role="status">
            <span class="sentence">{sentence}.</span>
          </p>
        )}
        {stop !== home && (
          <button type="button" onClick={() => setStop(home)}>
            Back to the policy
          </button>
        )}
      </div>
      <Compare
        plan={resource.plan}
        rpo={resource.rpo_seconds ?? resource.rpo}
        would={would}
        now={now}
        wouldRpo={asked ? wouldRpo : null}
        planned={planned}
      />
    </div>
  );
}
