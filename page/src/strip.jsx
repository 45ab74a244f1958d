// SPDX-License-Identifier: Apache-2.0
// A day of a resource in one line: what was measured, what is foreseen, when jobs ran and will run.
import { useDocument } from './documents.js';
import { ceiling, columns, planSentence } from './outlook.js';
import { bandPath, linePath, timeScale } from './scale.js';
import { useWidth } from './timeline.jsx';

const HEIGHT_PX = 56;
const LANE_PX = 10;
const FRESH = { job: 4, decision: 60, status: 120 };

function Drawn({ outlook, width }) {
  const c = columns(outlook);
  const scale = timeScale(c.from, c.to, 0, width);
  const top = ceiling(c, outlook.unit);
  const y = (v) => (v === null ? null : 2 + (1 - Math.min(1, v / top)) * (HEIGHT_PX - LANE_PX - 6));
  const over = (low, high) => bandPath(c.at.map((t, i) => [scale.x(t), y(low[i]), y(high[i])]));
  const course = (values) => linePath(c.at.map((t, i) => [scale.x(t), y(values[i])]));
  const bar = (b, kind) => {
    const x = scale.clamp(b.from);
    return (
      <rect
        key={`${kind}${b.from}`}
        class={kind}
        x={x}
        y={HEIGHT_PX - LANE_PX}
        rx="1.5"
        width={Math.max(3, scale.clamp(b.to) - x)}
        height={LANE_PX - 2}
      />
    );
  };
  const seen = (b) => b.to >= c.from && b.from <= c.to;
  return (
    <svg
      class="strip"
      width={width}
      height={HEIGHT_PX}
      role="img"
      aria-label={`Load and jobs around now. ${planSentence(outlook, c)}`}
    >
      <path class="outer" d={over(c.low, c.high)} />
      <path class="inner" d={over(c.lower, c.upper)} />
      <path class="middle" d={course(c.middle)} />
      <path class="measured" d={course(c.measured)} />
      <line class="now" x1={scale.clamp(c.now)} x2={scale.clamp(c.now)} y1="0" y2={HEIGHT_PX} />
      {c.jobs
        .filter(seen)
        .map((b) => bar(b, b.state === 'failed' || b.state === 'lost' ? 'bad' : 'job'))}
      {c.planned.filter(seen).map((b) => bar(b, 'plan'))}
    </svg>
  );
}

export function Strip({ name }) {
  const [ref, width] = useWidth();
  const outlook = useDocument(`resources/${encodeURIComponent(name)}/outlook?horizon=24h`, FRESH);
  return (
    <div class="strip-place" ref={ref}>
      {outlook.value && width > 0 && <Drawn outlook={outlook.value} width={width} />}
    </div>
  );
}
