import { deepEqual } from 'node:assert/strict';
import { SERVING } from '../../apis/labels.ts';
import type { Deployment } from '../../kube/core.ts';
import { deployment } from '../../testing/serving.ts';
import { RollOuts } from './rollOuts.ts';

describe('the line of roll-outs', () => {
  let woken: string[];
  let present: Deployment[];
  beforeEach(() => {
    woken = [];
    present = [];
  });

  const lineOf = (limit: number) => new RollOuts({ limit, deployments: () => present });
  const key = (name: string) => `demo/${name}`;
  function outdated(line: RollOuts, ...names: string[]): void {
    for (const name of names) line.record(key(name), 'outdated', () => woken.push(name));
  }
  function replacing(name: string): Deployment {
    const made = deployment(name, 2, { replicas: 3, updatedReplicas: 1 });
    return { ...made, metadata: { ...made.metadata, labels: { [SERVING.revision]: name } } };
  }

  it('gives no slot unless it is asked for', () => {
    outdated(lineOf(0), 'a', 'b');
    deepEqual(woken, []);
  });

  it('lets the next one in when all instances of the former are ready', () => {
    const line = lineOf(2);
    outdated(line, 'a', 'b', 'c', 'd');
    deepEqual(woken, ['a', 'b']);
    for (const state of ['outdated', 'replacing', 'starting'] as const)
      line.record(key('a'), state, () => {});
    deepEqual(woken, ['a', 'b']);
    line.record(key('a'), 'complete', () => {});
    deepEqual(woken, ['a', 'b', 'c']);
    line.forget(key('c'));
    deepEqual(woken, ['a', 'b', 'c', 'd']);
  });

  it('counts what is under way since before a restart of the controller', () => {
    const line = lineOf(1);
    present = [replacing('z')];
    outdated(line, 'a');
    deepEqual(woken, []);
    present = [];
    line.record(key('z'), 'complete', () => {});
    deepEqual(woken, ['a']);
  });

  it('is no matter of revisions that scale up', () => {
    const line = lineOf(1);
    line.record(key('z'), 'starting', () => {});
    outdated(line, 'a');
    deepEqual(woken, ['a']);
  });
});
