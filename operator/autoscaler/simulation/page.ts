import { type Comparison, table } from './table.ts';

/** The page with the comparison, from the root of the repository. */
export const page = 'docs/autoscaling.md';

const BEGIN = '<!-- The table is what "make simulate" prints; it also writes it here. -->\n';
const END = '<!-- end of the table -->\n';

/** The page's text with this comparison in place of the one that it has. */
export function withTable(text: string, comparisons: readonly Comparison[]): string {
  const [before = '', rest = ''] = text.split(BEGIN);
  const [, after = ''] = rest.split(END);
  const what = comparisons.map(({ traffic }) => `- \`${traffic.name}\`: ${traffic.what}`).join('\n');
  return `${before}${BEGIN}\n${what}\n\n${table(comparisons)}\n${END}${after}`;
}
