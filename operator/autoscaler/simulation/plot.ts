import type { Point } from './simulate.ts';
import type { Comparison, RulesName } from './table.ts';

const WIDTH = 960;
const LEFT = 64;
const RIGHT = 32;
const PANEL = 170;
const GAP = 46;
const TOP = 84;
const COLORS: Readonly<Record<RulesName, string>> = { Homerun: '#1a73e8', KPA: '#d93025', HPA: '#80868b' };
const RATE_COLOR = '#5f6368';

interface Line {
  readonly color: string;
  readonly values: readonly number[];
}

/** The day as an SVG picture: requests, instances and the longest wait, one below the other. */
export function plot({ traffic, outcomes }: Comparison): string {
  const names = Object.keys(outcomes) as RulesName[];
  const lines = (value: (point: Point) => number): Line[] =>
    // Homerun is drawn last, over the others.
    names.toReversed().map((name) => ({ color: COLORS[name], values: outcomes[name].points.map(value) }));
  const panels = [
    panel(0, 'requests a second', [
      { color: RATE_COLOR, values: outcomes.Homerun.points.map(({ rate }) => rate) },
    ]),
    panel(
      1,
      'instances',
      lines(({ instances }) => instances),
    ),
    panel(
      2,
      'longest wait in seconds',
      lines(({ wait }) => wait),
    ),
  ];
  const legend = names.map((name, index) => {
    const x = WIDTH - RIGHT - (names.length - index) * 84;
    return `<rect x="${x}" y="20" width="14" height="4" fill="${COLORS[name]}"/><text x="${x + 20}" y="26">${name}</text>`;
  });
  const height = TOP + 3 * (PANEL + GAP);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12" fill="#202124">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="${LEFT}" y="27" font-size="16" font-weight="bold">${escaped(traffic.name)}</text>
<text x="${LEFT}" y="44" fill="#5f6368">${escaped(traffic.what)}</text>
${legend.join('\n')}
${panels.join('\n')}
</svg>
`;
}

function panel(index: number, title: string, lines: readonly Line[]): string {
  const top = TOP + index * (PANEL + GAP);
  const largest = Math.max(...lines.flatMap(({ values }) => values), 0);
  const scale = niceAbove(largest);
  const y = (value: number) => (top + PANEL - (value / scale) * PANEL).toFixed(1);
  const x = (part: number) => (LEFT + part * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const levels = [0, 0.5, 1].map((part) => {
    const label = `<text x="${LEFT - 8}" y="${Number(y(scale * part)) + 4}" text-anchor="end">${scale * part}</text>`;
    return `<path d="M${x(0)} ${y(scale * part)}H${x(1)}" stroke="#dadce0"/>${label}`;
  });
  const hours = [0, 4, 8, 12, 16, 20, 24].map(
    (hour) => `<text x="${x(hour / 24)}" y="${top + PANEL + 16}" text-anchor="middle">${hour}:00</text>`,
  );
  const paths = lines.map(({ color, values }) => {
    const steps = values.map((value, at) => `V${y(value)}H${x((at + 1) / values.length)}`);
    return `<path d="M${x(0)} ${y(values[0] ?? 0)}${steps.join('')}" fill="none" stroke="${color}" stroke-width="1.3"/>`;
  });
  return `<text x="${LEFT}" y="${top - 6}" font-weight="bold">${title}</text>\n${[...levels, ...hours, ...paths].join('\n')}`;
}

/** The top of a scale: 1, 2 or 5 times a power of ten. */
function niceAbove(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((factor) => value <= factor * power) ?? 10) * power;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
