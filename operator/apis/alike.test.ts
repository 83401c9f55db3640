import assert from 'node:assert/strict';
import { ownerKey, revisionKey } from './alike.ts';
import { RUN, SERVING } from './labels.ts';

describe('objects that are much alike', () => {
  const object = (labels?: Record<string, string>, namespace = 'demo') => ({
    apiVersion: 'v1',
    kind: 'Any',
    metadata: { namespace, name: 'a', labels },
  });
  const owners: Record<string, { reason: string; labels?: Record<string, string>; key: string }> = {
    'a revision': {
      reason: 'it is of a configuration',
      labels: { [SERVING.configuration]: 'web' },
      key: 'demo/web',
    },
    'a revision of a worker pool': {
      reason: 'it is of a pool',
      labels: { [RUN.workerPool]: 'work' },
      key: 'demo/work',
    },
    'an execution': { reason: 'it is of a job', labels: { [RUN.job]: 'nightly' }, key: 'demo/nightly' },
    'an object of nobody': { reason: 'it is like any other of them', key: 'demo/' },
  };
  for (const [name, { reason, labels, key }] of Object.entries(owners)) {
    it(`have one owner, as ${name}: ${reason}`, () => assert.equal(ownerKey(object(labels)), key));
  }

  it('are instances of one revision of one namespace', () => {
    const key = (revision: string, namespace?: string) =>
      revisionKey(object({ [SERVING.revision]: revision, [SERVING.configuration]: 'web' }, namespace));
    assert.equal(key('web-00001'), 'demo/web-00001');
    assert.notEqual(key('web-00001'), key('web-00002'));
    assert.notEqual(key('web-00001'), key('web-00001', 'other'));
  });
});
