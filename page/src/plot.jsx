// SPDX-License-Identifier: Apache-2.0
// Courses of values over a Timeline, drawn by uPlot: the only canvas of the page. Its colours are
// those of the style sheet.
import uPlot from 'uplot';
import { useEffect, useRef } from 'preact/hooks';
import { ticks } from './scale.js';
import { useTheme } from './theme.js';

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const FONT = "12px 'Inter', system-ui, sans-serif";

function serie({ stroke, width = 0, dash, fill, steps }) {
  return {
    stroke: stroke ? colour(stroke) : 'transparent',
    width,
    dash,
    fill: fill ? colour(fill) : undefined,
    points: { show: false },
    spanGaps: false,
    paths: steps ? uPlot.paths.stepped({ align: 1 }) : undefined,
  };
}

function axes(scale, left, write) {
  const grid = { stroke: colour('--grid'), width: 1 };
  return [
    { splits: () => ticks(scale), values: () => [], size: 0, gap: 0, grid, ticks: { show: false } },
    {
      size: left,
      gap: 8,
      font: FONT,
      stroke: colour('--ink-3'),
      grid,
      ticks: { show: false },
      space: 36,
      values: (u, splits) => splits.map(write),
    },
  ];
}

/**
 * `courses`: [{ values, stroke, width, dash, fill, steps }]; `bands`: [{ between: [high, low],
 * fill }] by the numbers of courses; `top`: of the scale of values; `write`: a value as text.
 */
export function Plot({ scale, width, height, at, courses, bands = [], top, write }) {
  const ref = useRef(null);
  const [theme] = useTheme();
  const data = [at, ...courses.map((c) => c.values)];
  useEffect(() => {
    const plot = new uPlot(
      {
        width,
        height,
        padding: [8, width - scale.right, 7, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: [scale.from, scale.to] }, y: { range: [0, top] } },
        axes: axes(scale, scale.left, write),
        series: [{}, ...courses.map(serie)],
        bands: bands.map((b) => ({ series: b.between.map((n) => n + 1), fill: colour(b.fill) })),
      },
      data,
      ref.current,
    );
    return () => plot.destroy();
  }, [theme, width, height, scale.from, scale.to, top, ...data]);
  return <div class="plot" ref={ref} style={{ height: `${height}px` }} aria-hidden="true" />;
}
