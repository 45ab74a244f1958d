// SPDX-License-Identifier: Apache-2.0
// The rows below the load: jobs that were and jobs that are planned as blocks, and the cost.
import { link } from './route.js';
import { moment, size, span } from './words.js';

const LANE_PX = 34;
const COST_PX = 40;
const LEAST_PX = 5; // wide enough to be seen and hit

function place(scale, block) {
  const from = scale.clamp(block.from);
  return { x: from, width: Math.max(LEAST_PX, scale.clamp(block.to) - from) };
}

const inside = (scale) => (block) => block.to >= scale.from && block.from <= scale.to;

export function jobWords(job) {
  const size_of = job.bytes ? `, ${size(job.bytes)}` : '';
  return `job ${job.id}, ${job.state}, ${moment(job.from)}, ${span(job.to - job.from)}${size_of}`;
}

export function planWords(plan) {
  const to = plan.tier ? ` to ${plan.tier}` : '';
  return `planned ${plan.kind ?? 'point'}${to}, ${moment(plan.from)} to ${moment(plan.to)}`;
}

function Job({ scale, job }) {
  const bad = job.state === 'failed' || job.state === 'lost';
  const { x, width } = place(scale, job);
  return (
    <a href={link.job(job.id)} aria-label={jobWords(job)} class={`block job ${bad ? 'bad' : ''}`}>
      <title>{jobWords(job)}</title>
      <rect class="hit" x={x - 4} y="0" width={width + 8} height={LANE_PX} />
      <rect class="face" x={x} y="6" width={width} height={LANE_PX - 12} rx="2" />
      {bad && width > 9 && <path class="cross" d={`M${x + width / 2 - 3} 14l6 6m0-6l-6 6`} />}
    </a>
  );
}

function Planned({ scale, plan, name, what_if }) {
  const { x, width } = place(scale, plan);
  const words = what_if ? `what if: ${planWords(plan)}` : planWords(plan);
  return (
    <a href={link.why(name)} aria-label={words} class={`block plan ${what_if ? 'if' : ''}`}>
      <title>{words}</title>
      <rect class="hit" x={x - 4} y="0" width={width + 8} height={LANE_PX} />
      <rect class="face" x={x + 0.5} y="6.5" width={width - 1} height={LANE_PX - 13} rx="2" />
    </a>
  );
}

function Lane({ scale, width, word, label, children }) {
  return (
    <svg class="lane" width={width} height={LANE_PX} role="group" aria-label={label}>
      <line x1={scale.left} x2={scale.right} y1={LANE_PX / 2} y2={LANE_PX / 2} />
      <text x={scale.left - 8} y={LANE_PX / 2 + 4} text-anchor="end" aria-hidden="true">
        {word}
      </text>
      {children}
    </svg>
  );
}

export function Jobs({ scale, width, jobs, planned, name }) {
  return (
    <Lane scale={scale} width={width} word="jobs" label="Jobs, done and planned">
      {jobs.filter(inside(scale)).map((job) => (
        <Job key={job.id} scale={scale} job={job} />
      ))}
      {planned.filter(inside(scale)).map((plan) => (
        <Planned key={plan.from} scale={scale} plan={plan} name={name} />
      ))}
    </Lane>
  );
}

export function WhatIfLane({ scale, width, planned, name }) {
  return (
    <Lane scale={scale} width={width} word="if" label="Jobs that would be planned">
      {planned.filter(inside(scale)).map((plan) => (
        <Planned key={plan.from} scale={scale} plan={plan} name={name} what_if />
      ))}
    </Lane>
  );
}

/** Slots as one path of columns, `height(cost)` high; null is none. */
function steps(scale, course, height) {
  const base = COST_PX - 3;
  const column = (cost, i) => {
    if (cost === null) return '';
    const x = scale.clamp(course.at[i]).toFixed(1);
    const end = scale.clamp(course.at[i] + (course.seconds[i] ?? 300)).toFixed(1);
    return `M${x} ${base}V${(base - height(cost)).toFixed(1)}H${end}V${base}Z`;
  };
  return course.cost.map(column).join('');
}

/** Heights of costs, by their logarithms: they differ by factors of hundreds within a day. */
function costScale(costs) {
  const known = costs.filter((cost) => cost > 0);
  const low = Math.log(Math.min(...known) / 1.3);
  const high = Math.log(Math.max(...known) * 1.1);
  const share = (cost) => (Math.log(Math.max(cost, 1e-9)) - low) / Math.max(0.1, high - low);
  return (cost) => 1 + Math.min(1, Math.max(0, share(cost))) * (COST_PX - 8);
}

/** What a job would cost others at each moment, and the price: where it is above, jobs run. */
export function CostStrip({ scale, width, course }) {
  const price = typeof course.price === 'number' && course.price > 0 ? course.price : null;
  const height = costScale(price ? [...course.cost, price] : course.cost);
  const y = COST_PX - 3 - (price === null ? 0 : height(price));
  return (
    <svg
      class="lane cost"
      width={width}
      height={COST_PX}
      role="img"
      aria-label="What a job would cost others in each slot; the table has the figures"
    >
      <line x1={scale.left} x2={scale.right} y1={COST_PX - 3} y2={COST_PX - 3} />
      <text x={scale.left - 8} y={COST_PX - 8} text-anchor="end" aria-hidden="true">
        cost
      </text>
      <path d={steps(scale, course, height)} />
      {price !== null && (
        <>
          <line class="price" x1={scale.clamp(course.now)} x2={scale.right} y1={y} y2={y} />
          <text class="price" x={scale.clamp(course.now) - 6} y={y + 4} text-anchor="end">
            price
          </text>
        </>
      )}
    </svg>
  );
}
