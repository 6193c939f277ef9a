// A line chart over the last minutes, in the page's colours.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useCell } from './cell';
import { theme } from './settings';

export interface Line {
  label: string;
  colour: '--line-1' | '--line-2' | '--line-3';
  values: (number | null)[];
}

interface Props {
  title: string;
  unit: string;
  times: number[];
  lines: Line[];
  say: (value: number) => string;
}

const kHeight = 170;

export function Chart({ title, unit, times, lines, say }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>();
  const mode = useCell(theme);
  const last = (line: Line) => line.values.findLast((value) => value !== null) ?? null;

  useEffect(() => {
    const draw = () => {
      chart.current?.destroy();
      chart.current = new uPlot(options(place.current!, lines, say), data(times, lines), place.current!);
    };
    draw();
    const resize = new ResizeObserver(([entry]) => {
      chart.current?.setSize({ width: entry.contentRect.width, height: kHeight });
    });
    resize.observe(place.current!);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    return () => {
      resize.disconnect();
      dark.removeEventListener('change', draw);
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [mode]);
  useEffect(() => chart.current?.setData(data(times, lines)));

  return (
    <figure class="card chart">
      <figcaption>
        <h3>
          {title} <small>{unit}</small>
        </h3>
        <ul class="legend">
          {lines.map((line) => {
            const value = last(line);
            return (
              <li key={line.label}>
                <i class={line.colour.slice(2)} />
                {line.label} <b>{value === null ? '–' : say(value)}</b>
              </li>
            );
          })}
        </ul>
      </figcaption>
      <div ref={place} class="plot" aria-hidden="true" />
    </figure>
  );
}

const data = (times: number[], lines: Line[]): uPlot.AlignedData => [times, ...lines.map((line) => line.values)];

function options(place: HTMLElement, lines: Line[], say: (value: number) => string): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--faint'),
    font: '11px ui-sans-serif, system-ui, sans-serif',
    grid: { stroke: colour('--rule'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: place.clientWidth,
    height: kHeight,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 22, 0, 0],
    scales: { y: { range: (_, __, high) => [0, Math.max(high * 1.15, 0.001)] } },
    axes: [
      { ...axis, size: 24, grid: { show: false }, values: (_, ticks) => ticks.map(clock), space: 70 },
      { ...axis, size: 46, values: (_, ticks) => ticks.map(say), space: 36 },
    ],
    series: [
      {},
      ...lines.map((line, i) => ({
        stroke: colour(line.colour),
        width: 1.75,
        fill: i === 0 ? `${colour(line.colour)}1c` : undefined,
        points: { show: false },
        spanGaps: true,
      })),
    ],
  };
}

const clock = (time: number): string =>
  new Date(time * 1000).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
