import assert from 'node:assert/strict';
import { NAMESPACES } from '../../operator/kube/core.ts';
import { connect, kubectl, SYSTEM_NAMESPACE } from '../lib/cluster.ts';

// Runs last: it looks back on what all other scenarios made the processes do.
describe('over the whole run', () => {
  for (const component of ['controller', 'gateway', 'metadata', 'node', 'webhook']) {
    it(`the ${component} asked for nothing that its role forbids, and met nothing unexpected`, async () => {
      const selector = `app.kubernetes.io/component=${component}`;
      const text = await kubectl(['logs', '-n', SYSTEM_NAMESPACE, '-l', selector, '--tail=-1']);
      const lines = text
        .split('\n')
        .filter((line) => /KUBE_FORBIDDEN|"level":"(error|fatal)"|^\S*Error:/.test(line));
      assert.deepEqual(lines, []);
    });
  }

  it('every scenario has removed its namespaces, or instances would take the room of the next', async () => {
    const { items } = await (await connect()).list(NAMESPACES);
    const left = items.filter(
      ({ metadata }) => metadata.name.startsWith('e2e-') && !metadata.deletionTimestamp,
    );
    assert.deepEqual(
      left.map(({ metadata }) => metadata.name),
      [],
    );
  });
});
