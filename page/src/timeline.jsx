// SPDX-License-Identifier: Apache-2.0
// Several rows over one time axis: their scale, the axis, vertical marks through all of them, and
// one cursor, by pointer or by arrow keys, whose slot is told in words above.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ticks, timeScale } from './scale.js';
import { clock } from './words.js';

const AXIS_PX = 24;
const EDGE_PX = 18; // half of a label
const RIGHT_PX = 10;
const NARROW_PX = 520;

/** [ref, width in pixels]: 0 until it was measured. */
export function useWidth() {
  const ref = useRef(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([e]) => setWidth(Math.floor(e.contentRect.width)));
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

function dayWord(t, wide) {
  const date = new Date(t * 1000);
  return date.toLocaleDateString(
    'en-GB',
    wide ? { weekday: 'short', day: 'numeric' } : { weekday: 'short' },
  );
}

function Axis({ scale, width }) {
  const wide = width > NARROW_PX;
  const inside = (x) => x >= scale.left + EDGE_PX && x <= scale.right - EDGE_PX;
  const fits = (t) => clock(t) === '00:00' || inside(scale.x(t));
  const list = ticks(scale, wide ? 64 : 52).filter(fits);
  return (
    <svg class="axis" width={width} height={AXIS_PX} aria-hidden="true">
      {list.map((t) => {
        const midnight = clock(t) === '00:00';
        const x = scale.x(t);
        const anchor =
          x < scale.left + EDGE_PX ? 'start' : x > scale.right - EDGE_PX ? 'end' : 'middle';
        return (
          <text key={t} x={x} y="16" text-anchor={anchor} class={midnight ? 'day' : undefined}>
            {midnight ? dayWord(t, wide) : clock(t)}
          </text>
        );
      })}
    </svg>
  );
}

/** { at, label, kind } as a line through all rows; hidden when it is not in what is shown. */
function Mark({ scale, mark }) {
  if (mark.at === null || mark.at < scale.from || mark.at > scale.to) return null;
  const x = scale.x(mark.at);
  const side = x > (scale.left + scale.right) * 0.75 ? 'left' : 'right';
  return (
    <div class={`mark-line ${mark.kind}`} style={{ left: `${x}px` }} aria-hidden="true">
      <span class={side}>{mark.label}</span>
    </div>
  );
}

const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -12, PageDown: 12 };

function useCursor(count, start) {
  const [at, setAt] = useState(null);
  const onKeyDown = (event) => {
    if (event.target !== event.currentTarget) return;
    const step = STEPS[event.key];
    const next =
      event.key === 'Home'
        ? 0
        : event.key === 'End'
          ? count - 1
          : event.key === 'Escape'
            ? null
            : step === undefined
              ? undefined
              : Math.min(count - 1, Math.max(0, (at ?? start) + step));
    if (next === undefined) return;
    event.preventDefault();
    setAt(next);
  };
  return [at, setAt, onKeyDown];
}

/**
 * `course`: { at, from, to, slot(t) }, the slots; `marks`; `left`: pixels for the scale of values;
 * `tell(i)`: a slot in words, i null when there is no cursor; `children(scale, width)`: the rows.
 */
export function Timeline({ label, course, marks, left, start, tell, children }) {
  const [ref, width] = useWidth();
  const [at, setAt, onKeyDown] = useCursor(course.at.length, start);
  const scale = timeScale(course.from, course.to, left, Math.max(left + 1, width - RIGHT_PX));
  const move = (event) => {
    const x = event.clientX - ref.current.getBoundingClientRect().left;
    setAt(x < scale.left || x > scale.right ? null : course.slot(scale.at(x)));
  };
  const shown = at !== null && at < course.at.length;
  return (
    <>
      <p class="readout" aria-live="polite">
        {tell(shown ? at : null)}
      </p>
      <div
        class="timeline"
        ref={ref}
        tabIndex={0}
        role="group"
        onKeyDown={onKeyDown}
        aria-label={`${label}. Arrow keys move through time, the table behind it has all figures.`}
        onPointerMove={move}
        onPointerLeave={() => setAt(null)}
        onBlur={() => setAt(null)}
      >
        {width > 0 && (
          <>
            {children(scale, width)}
            <Axis scale={scale} width={width} />
            {marks.map((mark) => (
              <Mark key={mark.kind} scale={scale} mark={mark} />
            ))}
            {shown && <div class="cursor" style={{ left: `${scale.x(course.at[at])}px` }} />}
          </>
        )}
      </div>
    </>
  );
}
