import assert from 'node:assert/strict';
import { kubectl, SYSTEM_NAMESPACE } from '../lib/cluster.ts';

// The file's name puts it last: it looks back on what all other scenarios made the processes do.
describe('over the whole run', function () {
  this.timeout(30_000);

  for (const component of ['controller', 'gateway']) {
    it(`the ${component} asked for nothing that its role forbids, and met nothing unexpected`, async () => {
      const selector = `app.kubernetes.io/component=${component}`;
      const text = await kubectl(['logs', '-n', SYSTEM_NAMESPACE, '-l', selector, '--tail=-1']);
      const lines = text
        .split('\n')
        .filter((line) => /KUBE_FORBIDDEN|"level":"(error|fatal)"|^\S*Error:/.test(line));
      assert.deepEqual(lines, []);
    });
  }
});
