import assert from 'node:assert/strict';
import { NAMESPACES } from '../kube/core.ts';
import { ApiServer } from './apiServer.ts';
import { applies } from './contract/applies.ts';
import { HOOKS, WIDGETS, widgetDefinition } from './contract/objects.ts';
import { reads } from './contract/reads.ts';
import { writes } from './contract/writes.ts';
import { FakeApiServer } from './fakeApiServer.ts';
import { until } from './until.ts';

describe('The fake API server does as the real one', () => {
  let real: ApiServer;
  let fake: FakeApiServer;

  before(async () => {
    real = await ApiServer.start();
    fake = await FakeApiServer.start({ types: [WIDGETS, HOOKS] });
    await real.client.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      body: widgetDefinition,
    });
    await until('the kind is served', () => real.client.list(WIDGETS).catch(() => undefined));
  });

  after(async () => {
    await fake?.close();
    await real?.stop();
  });

  let count = 0;
  for (const [name, run] of Object.entries({ ...writes, ...applies, ...reads })) {
    it(name, async () => {
      const namespace = `contract-${count++}`;
      await real.client.create(NAMESPACES, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: namespace },
      });
      const [expected, actual] = [await run(real.client, namespace), await run(fake.client, namespace)];
      // Over JSON, as undefined and absent are the same on the wire.
      assert.deepEqual(
        JSON.parse(JSON.stringify(actual ?? null)),
        JSON.parse(JSON.stringify(expected ?? null)),
      );
    });
  }
});
