import { INSIDE, type InsideRow } from '../apis/inside.ts';

/** The part of docs/contract.md that tells what a program finds inside its container. */
export function insideSection(): string {
  const rows = Object.values<InsideRow>(INSIDE).map(({ what, says, document, here = 'the same' }) =>
    [what, says, document, here].map((cell) => cell.replaceAll('|', '\\|')).join(' | '),
  );
  return `## What a program finds inside

A scenario (\`e2e/scenarios/contract.test.ts\`) holds this, line by line, against what two programs, in Go and on Node,
report from inside their containers.

| what | Cloud Run | document | here |
| --- | --- | --- | --- |
${rows.map((row) => `| ${row} |`).join('\n')}
`;
}
