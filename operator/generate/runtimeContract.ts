import {
  OTHER_RUNTIME_CONTRACT,
  RUNTIME_CONTRACT,
  type RuntimeContractRow,
} from '../apis/runtimeContract.ts';

/** The part of docs/contract.md about the environment of a program in its container. */
export function runtimeContractSection(): string {
  return `## The runtime contract

What a program finds in its container. A scenario (\`e2e/scenarios/contract.test.ts\`) checks each row with two programs, in Go
and on Node.

${table(Object.values<RuntimeContractRow>(RUNTIME_CONTRACT))}

Tasks of a job and instances of a worker pool differ in these rows:

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
