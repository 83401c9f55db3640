import assert from 'node:assert/strict';
import { type Behaviour, behaves, bindingsOf, messageOf, REGISTRY, serviceOf } from './registry.ts';

describe('descriptors of the v2 API', () => {
  it('have every service that the role answers, each method with its path', () => {
    const services = [
      'Services',
      'Revisions',
      'Jobs',
      'Executions',
      'Tasks',
      'WorkerPools',
      'Instances',
      'Builds',
    ];
    for (const name of services) {
      for (const method of serviceOf(name).methods) {
        assert.match(bindingsOf(method)[0]?.path ?? '', /^\/v2\/\{/, `${name}.${method.name}`);
      }
    }
  });

  it('give all bindings of a method', () => {
    assert.deepEqual(bindingsOf(serviceOf('Revisions').method.getRevision as never), [
      { method: 'GET', path: '/v2/{name=projects/*/locations/*/services/*/revisions/*}', body: '' },
      { method: 'GET', path: '/v2/{name=projects/*/locations/*/workerPools/*/revisions/*}', body: '' },
    ]);
  });

  const cases: Record<string, { field: string; behaviour: Behaviour; holds: boolean; reason: string }> = {
    template: { field: 'template', behaviour: 'required', holds: true, reason: 'service.proto: REQUIRED' },
    uid: { field: 'uid', behaviour: 'outputOnly', holds: true, reason: 'service.proto: OUTPUT_ONLY' },
    client: {
      field: 'client',
      behaviour: 'required',
      holds: false,
      reason: 'service.proto says nothing of it',
    },
  };
  for (const [name, { field, behaviour, holds, reason }] of Object.entries(cases)) {
    it(`say of ${name} whether it is ${behaviour}`, () => {
      const descriptor = messageOf('Service').fields.find((each) => each.name === field);
      assert.ok(descriptor);
      assert.equal(behaves(descriptor, behaviour), holds, reason);
    });
  }

  it('resolve the messages that answers carry as Any', () => {
    for (const name of ['google.rpc.BadRequest', 'google.longrunning.Operation', 'google.cloud.run.v2.Job']) {
      assert.ok(REGISTRY.getMessage(name), name);
    }
  });
});
