import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CHART } from '../chart/helm.ts';
import { SYSTEM_NAMESPACE } from './cluster.ts';

/** Changes values of the installed chart and leaves the others as they are; waits until what is new is ready. */
export async function changeValues(values: object): Promise<void> {
  const running = promisify(execFile)('helm', [
    ...['upgrade', 'homerun', CHART, '--namespace', SYSTEM_NAMESPACE, '--reuse-values'],
    ...['--wait', '--timeout', '3m', '--values', '-'],
  ]);
  running.child.stdin?.end(JSON.stringify(values));
  await running;
}
