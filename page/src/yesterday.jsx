// SPDX-License-Identifier: Apache-2.0
// What was foreseen for the last day beside what came: whether the forecast deserves trust.
import { offBy } from './outlook.js';
import { Plot } from './plot.jsx';
import { TableBehind } from './table.jsx';
import { Timeline } from './timeline.jsx';
import { clock, moment, seconds } from './words.js';

const LEFT_PX = 56;
const HEIGHT_PX = 150;
const COURSES = (foreseen, came) => [
  { values: foreseen, stroke: '--accent', width: 1.5, dash: [5, 4] },
  { values: came, stroke: '--ink', width: 1.5 },
];

function columns(write) {
  return [
    { head: 'From', cell: (row) => moment(row.at) },
    { head: 'Foreseen', figure: true, cell: (row) => (row.p50 === null ? '' : write(row.p50)) },
    {
      head: 'Came',
      figure: true,
      cell: (row) => (row.measured === null ? '' : write(row.measured)),
    },
  ];
}

export function Yesterday({ slots, write }) {
  const off = offBy(slots);
  if (!off) {
    return (
      <p class="quiet">
        What was foreseen for the last day stands here once there were days to foresee it from.
      </p>
    );
  }
  const at = slots.map((s) => seconds(s.at));
  const foreseen = slots.map((s) => s.p50 ?? null);
  const came = slots.map((s) => s.measured ?? null);
  const step = at[1] - at[0] || 300;
  const top = Math.max(1e-9, ...foreseen, ...came) * 1.1;
  const slot = (t) =>
    Math.max(
      0,
      at.findLastIndex((a) => a <= t),
    );
  const tell = (i) =>
    i === null ? (
      <>
        On average {write(off.off)} off; the mean load was {write(off.mean)}.
      </>
    ) : (
      <>
        <b>{clock(at[i])}</b> foreseen {write(foreseen[i])}, came {write(came[i])}
      </>
    );
  return (
    <>
      <Timeline
        label="The last day: foreseen, and what came"
        marks={[]}
        left={LEFT_PX}
        start={0}
        course={{ at, from: at[0], to: at.at(-1) + step, slot }}
        tell={tell}
      >
        {(scale, width) => (
          <Plot
            scale={scale}
            width={width}
            height={HEIGHT_PX}
            at={at}
            top={top}
            write={write}
            courses={COURSES(foreseen, came)}
          />
        )}
      </Timeline>
      <TableBehind label="The last day" columns={columns(write)} rows={() => slots} />
    </>
  );
}
