import {
  OTHER_RUNTIME_CONTRACT,
  RUNTIME_CONTRACT,
  type RuntimeContractRow,
} from '../apis/runtimeContract.ts';

/** The part of docs/contract.md that tells what a program finds inside its container. */
export function insideSection(): string {
  return `## What a program finds inside

A scenario (\`e2e/scenarios/contract.test.ts\`) holds this, line by line, against what two programs, in Go and on Node,
report from inside their containers.

${table(Object.values<RuntimeContractRow>(RUNTIME_CONTRACT))}

In a task of a job, and in an instance of a worker pool, the same holds but for this:

${table(OTHER_RUNTIME_CONTRACT)}
`;
}

function table(rows: readonly RuntimeContractRow[]): string {
  const lines = rows.map(({ what, says, document, here = 'the same' }) =>
    [what, says, document, here].map((cell) => cell.replaceAll('|', '\\|')).join(' | '),
  );
  return `| what | Cloud Run | document | here |
| --- | --- | --- | --- |
${lines.map((line) => `| ${line} |`).join('\n')}`;
}
