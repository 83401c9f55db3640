import assert from 'node:assert/strict';
import { PODS } from '../../operator/kube/core.ts';
import { readyCondition } from '../../operator/kube/pod.ts';
import { podsOf } from '../lib/cluster.ts';
import type { Answer } from '../lib/http.ts';
import { readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const AFFINITY = { 'run.googleapis.com/sessionAffinity': 'true' };

/** Cloud Run, Session affinity. */
describe('session affinity', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-affinity');

  const cookieOf = ({ headers }: Answer): string | undefined =>
    [headers['set-cookie'] ?? []]
      .flat()
      .find((value) => value.startsWith('GAESA='))
      ?.split(';')[0];
  const visit = (url: string, path: string, cookie?: string) =>
    suite.visitor.ask(`${url}${path}`, cookie === undefined ? {} : { headers: { cookie } });

  it('keeps a client at its instance, and binds it to another when that is gone', async () => {
    const { client, namespace } = suite;
    const annotations = { ...AFFINITY, 'autoscaling.knative.dev/minScale': '3' };
    const { url } = await readyService(client, namespace, 'bound', { annotations });
    await until('three instances', async () => {
      const pods = await podsOf(client, namespace, 'bound');
      return pods.filter(readyCondition).length === 3;
    });
    const instances = new Set<string>();
    await until('all of them to serve', async () => {
      instances.add((await visit(url, '/id')).body);
      return instances.size === 3;
    });
    const first = await visit(url, '/id');
    const cookie = cookieOf(first) ?? assert.fail('the first response sets the cookie');
    assert.equal(first.headers['cache-control'], 'private');
    for (let i = 0; i < 100; i++) {
      const answer = await visit(url, '/id', cookie);
      assert.deepEqual([answer.body, cookieOf(answer)], [first.body, undefined]);
    }
    // An instance's host name is its pod's.
    const { HOSTNAME: name = '' } = JSON.parse((await visit(url, '/env', cookie)).body);
    await client.delete(PODS, { namespace, name });
    const moved = await until('another instance to answer', async () => {
      const answer = await visit(url, '/id', cookie);
      assert.equal(answer.status, 200);
      return answer.body !== first.body && answer;
    });
    const next = cookieOf(moved) ?? assert.fail('the client is bound anew');
    for (let i = 0; i < 20; i++) assert.equal((await visit(url, '/id', next)).body, moved.body);
  });

  it('keeps a client at its revision while traffic is split, and not when its share is gone', async () => {
    const { client, namespace } = suite;
    const deploy = (revision: string, target: string, traffic?: Record<string, number>) =>
      readyService(client, namespace, 'shared', {
        revision,
        annotations: AFFINITY,
        env: { TARGET: target },
        ...(traffic && {
          traffic: Object.entries(traffic).map(([revisionName, percent]) => ({ revisionName, percent })),
        }),
      });
    await deploy('shared-v1', 'one');
    const { url } = await deploy('shared-v2', 'two', { 'shared-v1': 50, 'shared-v2': 50 });
    const old = await until('a client of the old revision', async () => {
      const answer = await visit(url, '/');
      return /one/.test(answer.body) && answer;
    });
    await until('a client of the new revision', async () => /two/.test((await visit(url, '/')).body));
    const cookie = cookieOf(old) ?? assert.fail();
    for (let i = 0; i < 50; i++) assert.match((await visit(url, '/', cookie)).body, /one/);
    await deploy('shared-v2', 'two', { 'shared-v2': 100 });
    const released = await until('the client to be released', async () => {
      const answer = await visit(url, '/', cookie);
      return /two/.test(answer.body) && answer;
    });
    assert.ok(cookieOf(released));
  });
});
