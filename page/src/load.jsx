// SPDX-License-Identifier: Apache-2.0
// The face of ebb: the load that was and that is foreseen, and when jobs ran and will run in it.
import { Jobs, CostStrip, WhatIfLane } from './lanes.jsx';
import { ceiling, slotAt } from './outlook.js';
import { Plot } from './plot.jsx';
import { TableBehind } from './table.jsx';
import { Timeline } from './timeline.jsx';
import { clock, figure, moment } from './words.js';

const LEFT_PX = 56;
const HEIGHT_PX = 260;

function tableColumns(write) {
  const cell = (key) => (row) => (row[key] === null ? '' : write(row[key]));
  return [
    { head: 'From', cell: (row) => moment(row.at) },
    { head: 'Measured', figure: true, cell: cell('measured') },
    { head: '2.5 %', figure: true, cell: cell('low') },
    { head: '10 %', figure: true, cell: cell('lower') },
    { head: 'Median', figure: true, cell: cell('middle') },
    { head: '90 %', figure: true, cell: cell('upper') },
    { head: '97.5 %', figure: true, cell: cell('high') },
    {
      head: 'Cost of a job',
      figure: true,
      cell: (row) => (row.cost === null ? '' : figure(row.cost)),
    },
  ];
}

const KEYS = ['at', 'measured', 'low', 'lower', 'middle', 'upper', 'high', 'cost'];
const slotRows = (c) => c.at.map((_, i) => Object.fromEntries(KEYS.map((k) => [k, c[k][i]])));

function inWords(c, write) {
  return (i) => {
    if (i === null) return <span class="quiet">Point at a moment, or use the arrow keys</span>;
    const parts = [<b>{moment(c.at[i], c.now)}</b>];
    if (c.measured[i] !== null) parts.push(` measured ${write(c.measured[i])}`);
    if (c.middle[i] !== null)
      parts.push(
        ` expected ${write(c.middle[i])}, likely ${write(c.lower[i])} to ${write(c.upper[i])}`,
      );
    if (c.cost[i] !== null) parts.push(`; a job would cost others ${figure(c.cost[i])}`);
    return parts;
  };
}

function Legend({ hasLimit }) {
  return (
    <ul class="legend" aria-label="What is drawn">
      <li>
        <i class="measured" />
        measured
      </li>
      <li>
        <i class="middle" />
        expected
      </li>
      <li>
        <i class="inner" />8 in 10 times
      </li>
      <li>
        <i class="outer" />
        19 in 20 times
      </li>
      {hasLimit && (
        <li>
          <i class="limit" />
          limit
        </li>
      )}
      <li>
        <i class="job" />
        job done
      </li>
      <li>
        <i class="plan" />
        planned
      </li>
    </ul>
  );
}

const courses = (c) => [
  { values: c.high },
  { values: c.low },
  { values: c.upper },
  { values: c.lower },
  { values: c.limit, stroke: '--ink-3', width: 1, dash: [2, 4] },
  { values: c.middle, stroke: '--accent', width: 1.5, dash: [5, 4] },
  { values: c.measured, stroke: '--ink', width: 1.5, fill: '--measured' },
];
const BANDS = [
  { between: [0, 1], fill: '--band-outer' },
  { between: [2, 3], fill: '--band-inner' },
];

export function LoadChart({ name, course: c, unit, write, whatIf }) {
  const top = ceiling(c, unit);
  const marks = [
    { at: c.now, label: 'now', kind: 'now' },
    { at: c.deadline, label: `due ${c.deadline ? clock(c.deadline) : ''}`, kind: 'due' },
  ];
  return (
    <>
      <Legend hasLimit={c.limit.some((v) => v !== null)} />
      <Timeline
        label={`The load on ${name}, and its jobs`}
        marks={marks}
        left={LEFT_PX}
        course={{ ...c, slot: (t) => slotAt(c, t) }}
        start={slotAt(c, c.now)}
        tell={inWords(c, write)}
      >
        {(scale, width) => (
          <>
            <Plot
              scale={scale}
              width={width}
              height={HEIGHT_PX}
              at={c.at}
              courses={courses(c)}
              bands={BANDS}
              top={top}
              write={write}
            />
            <Jobs scale={scale} width={width} jobs={c.jobs} planned={c.planned} name={name} />
            {whatIf && <WhatIfLane scale={scale} width={width} planned={whatIf} name={name} />}
            <CostStrip scale={scale} width={width} course={c} />
          </>
        )}
      </Timeline>
      <TableBehind
        label="Load, forecast and cost"
        columns={tableColumns(write)}
        rows={() => slotRows(c)}
      />
    </>
  );
}
