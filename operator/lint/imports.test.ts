import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { type Import, importsOf, readImports, violations } from './imports.ts';

const operator = resolve(import.meta.dirname, '..');

/** The files that a folder loads, and what these load, and the packages. */
function closure(imports: readonly Import[], folder: string): Set<string> {
  const reached = new Set(imports.map(({ from }) => from).filter((file) => file.startsWith(folder)));
  for (const file of reached) for (const { from, to } of imports) if (from === file) reached.add(to);
  return reached;
}

describe('imports', () => {
  const imports = readImports(operator);

  it('keep the rules', () => {
    assert.deepEqual(violations(imports), []);
  });

  it('lead from the data plane to nothing of Kubernetes, types included', () => {
    const reached = closure(imports, 'gateway/data/');
    assert.ok(reached.has('gateway/data/exchange.ts') && reached.has('gateway/shared/slots.ts'));
    const ofKubernetes = [...reached].filter((name) => /^(kube|apis)\/|kubernetes/.test(name));
    // It imports nothing, and both planes must agree on it.
    assert.deepEqual(ofKubernetes, ['apis/iam/membership.ts']);
  });

  it('are read in every form', () => {
    const text = `
import 'a';
import b, { type B } from './b.ts';
import type { C } from '../c.ts';
import {
  d,
} from '../d/d.ts';
export * from './e.ts';
const f = await import('./f.ts');
const g = new URL(dev ? '../g.ts' : './g.js', import.meta.url);
// import { h } from './h.ts';
`;
    assert.deepEqual(
      importsOf('x/y.ts', text).map(({ to }) => to),
      ['a', 'x/b.ts', 'c.ts', 'd/d.ts', 'x/e.ts', 'x/f.ts', 'g.ts'],
    );
  });

  const cases: Record<string, { imports: [from: string, to: string][]; want: string[] }> = {
    'kube/ knows no kind of ours': {
      imports: [['kube/lease.ts', 'apis/labels.ts']],
      want: ['kube/lease.ts must not import apis/labels.ts'],
    },
    'apis/ does no IO': {
      imports: [
        ['apis/condition.ts', 'kube/time.ts'],
        ['apis/condition.ts', 'kube/client.ts'],
      ],
      want: ['apis/condition.ts must not import kube/client.ts'],
    },
    'what is pure stays so': {
      imports: [['kube/owner.ts', 'kube/client.ts']],
      want: ['kube/owner.ts must not import kube/client.ts'],
    },
    'the data plane knows no Kubernetes': {
      imports: [
        ['gateway/data/thread.ts', 'kube/types.ts'],
        ['gateway/shared/limits.ts', 'config.ts'],
        ['gateway/data/thread.ts', 'kubernetes-models/v1/Pod'],
        ['gateway/data/thread.ts', 'undici'],
        ['gateway/data/callers.ts', 'identity/issuers.ts'],
        ['identity/identityToken.ts', 'kube/types.ts'],
        ['gateway/control/control.ts', 'kube/types.ts'],
      ],
      want: [
        'gateway/data/thread.ts must not import kube/types.ts',
        'gateway/shared/limits.ts must not import config.ts',
        'gateway/data/thread.ts must not import kubernetes-models/v1/Pod',
        'gateway/data/callers.ts must not import identity/issuers.ts',
        'identity/identityToken.ts must not import kube/types.ts',
      ],
    },
    'autoscaler and reconcilers do not know each other': {
      imports: [['reconcilers/pod/template.ts', 'autoscaler/cpu.ts']],
      want: ['reconcilers/pod/template.ts must not import autoscaler/cpu.ts'],
    },
    'the product loads nothing of its tests': {
      imports: [['webhook/server.ts', 'testing/objects.ts']],
      want: ['webhook/server.ts must not import testing/objects.ts'],
    },
    'no circle of files': {
      imports: [
        ['webhook/a.ts', 'webhook/b.ts'],
        ['webhook/b.ts', 'webhook/c.ts'],
        ['webhook/c.ts', 'webhook/a.ts'],
      ],
      want: ['circle: webhook/a.ts -> webhook/b.ts -> webhook/c.ts -> webhook/a.ts'],
    },
    'no circle of folders': {
      imports: [
        ['autoscaler/a.ts', 'webhook/b.ts'],
        ['webhook/c.ts', 'autoscaler/d.ts'],
      ],
      want: ['circle: autoscaler -> webhook -> autoscaler'],
    },
  };
  for (const [name, { imports, want }] of Object.entries(cases)) {
    it(name, () => {
      assert.deepEqual(violations(imports.map(([from, to]) => ({ from, to }))), want);
    });
  }
});
