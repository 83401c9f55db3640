import assert from 'node:assert/strict';
import { SERVING } from '../apis/labels.ts';
import { EVICTION_REQUESTED } from '../autoscaler/evictions.ts';
import { pod, REF, revision } from '../autoscaler/testing/objects.ts';
import { PODS } from '../kube/core.ts';
import { until } from '../testing/until.ts';
import { FakeInstallation } from './testing/fakeInstallation.ts';

const POD = { namespace: REF.namespace, name: 'busy' };

describe('reviews of evictions', () => {
  let made: FakeInstallation;

  beforeEach(async () => {
    made = await FakeInstallation.make();
    made.server.put(revision());
    const labels = { [SERVING.revision]: REF.name, [SERVING.revisionUID]: revision().metadata.uid ?? '' };
    made.server.put({ ...pod('busy'), metadata: { ...POD, labels }, status: { phase: 'Running' } });
  });
  afterEach(() => made.close());

  const named = () => made.named('evict');
  const isMarked = () => made.server.get(PODS, POD)?.metadata.annotations?.[EVICTION_REQUESTED] !== undefined;

  /** Reviews the eviction of the instance as an API server, or anyone, may ask for. */
  async function review(path: string): Promise<number> {
    const kind = { group: 'policy', version: 'v1', kind: 'Eviction' };
    const asked = { uid: 'u', kind, operation: 'CREATE', ...POD, userInfo: { username: 'system:admin' } };
    return (await made.review(path, asked)).statusCode;
  }

  const GUESSES = ['/evict', '/evict/', '/', '/evict/evict', `/evict/${'0'.repeat(64)}`, '/evict/%00'];
  it('mark nothing when they are forged by somebody who only reaches the port', async () => {
    await made.start();
    for (const guess of GUESSES) {
      assert.equal(await review(guess), 404, guess);
      assert.equal(isMarked(), false, guess);
    }
  });

  it('mark the instance at the path that the configuration names', async () => {
    await made.start();
    assert.equal(await review(named() ?? ''), 200);
    assert.ok(isMarked());
  });

  describe('over an upgrade from a chart with the path /evict', () => {
    beforeEach(async () => {
      await made.chart({ evict: '/evict' });
      await made.start();
      await until('there is a token', () => made.tokens('evict').length === 1);
    });

    /** Answers come after everything that the replica had to do before. */
    const settled = async () => {
      const { live } = made.configurationOf('evict');
      const caBundleOf = () => made.configurationOf('evict').live.webhooks?.[0]?.clientConfig.caBundle;
      const caBundle = caBundleOf();
      made.server.put({
        ...live,
        webhooks: live.webhooks?.map((hook) => ({
          ...hook,
          clientConfig: { ...hook.clientConfig, caBundle: '' },
        })),
      });
      await until('the replica has seen it', () => caBundleOf() === caBundle);
    };

    it('are left to the old replicas until the chart gives the path up', async () => {
      await settled();
      assert.equal(named(), '/evict');
      assert.equal(await review('/evict'), 404);
      assert.equal(isMarked(), false);
      await made.chart();
      await until('the secret path is named', () => named() !== undefined);
      assert.equal(await review(named() ?? ''), 200);
    });

    it('and are theirs again after a rollback, until the next upgrade', async () => {
      await made.chart();
      const path = await until('the secret path is named', named);
      await made.chart({ evict: '/evict' });
      await settled();
      assert.equal(named(), '/evict');
      await made.chart();
      await until('the same secret path is named', () => named() === path);
    });
  });
});
