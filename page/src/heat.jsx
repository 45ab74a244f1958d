// SPDX-License-Identifier: Apache-2.0
// The week as a heat map: hours by days, one colour that gets deeper.
import { TableBehind } from './table.jsx';
import { useWidth } from './timeline.jsx';

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const LEFT_PX = 36;
const GAP_PX = 2;
const ROW_PX = 22;
const hourWord = (h) => `${String(h).padStart(2, '0')}:00`;

function rows(hours, write) {
  return DAYS.map((day, d) => ({ day, cells: hours[d] ?? [], write }));
}

const COLUMNS = [
  { head: 'Day', cell: (row) => row.day },
  ...Array.from({ length: 24 }, (_, h) => ({
    head: hourWord(h),
    figure: true,
    cell: (row) => (row.cells[h] === null ? '' : row.write(row.cells[h])),
  })),
];

function Cells({ hours, width, top, write }) {
  const each = (width - LEFT_PX) / 24;
  return DAYS.map((day, d) => (
    <g key={day}>
      <text x="0" y={d * ROW_PX + 15}>
        {day.slice(0, 3)}
      </text>
      {Array.from({ length: 24 }, (_, h) => {
        const value = hours[d]?.[h] ?? null;
        return (
          <rect
            key={h}
            x={LEFT_PX + h * each}
            y={d * ROW_PX}
            width={each - GAP_PX}
            height={ROW_PX - GAP_PX}
            rx="2"
            class={value === null ? 'none' : 'heat'}
            fill-opacity={value === null ? undefined : 0.06 + 0.94 * Math.sqrt(value / top)}
          >
            <title>{`${day} ${hourWord(h)}: ${value === null ? 'not known' : write(value)}`}</title>
          </rect>
        );
      })}
    </g>
  ));
}

export function Heat({ hours, write, label }) {
  const [ref, width] = useWidth();
  const known = hours.flat().filter((v) => v !== null);
  const top = Math.max(1e-12, ...known);
  const each = (width - LEFT_PX) / 24;
  return (
    <div ref={ref}>
      {width > 0 && (
        <svg
          class="heat-map"
          width={width}
          height={7 * ROW_PX + 18}
          role="img"
          aria-label={`${label}: the most is ${write(top)}`}
        >
          <Cells hours={hours} width={width} top={top} write={write} />
          {[0, 6, 12, 18].map((h) => (
            <text key={h} x={LEFT_PX + h * each} y={7 * ROW_PX + 14}>
              {hourWord(h)}
            </text>
          ))}
        </svg>
      )}
      {known.length < 7 * 24 && (
        <p class="quiet">{known.length} of 168 hours of the week have been seen so far.</p>
      )}
      <TableBehind label={label} columns={COLUMNS} rows={() => rows(hours, write)} />
    </div>
  );
}
