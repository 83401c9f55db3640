import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { conditionOf } from '../../operator/apis/condition.ts';
import { PODS } from '../../operator/kube/core.ts';
import { kubectl, podsOf, revisionsOf, serviceReady } from '../lib/cluster.ts';
import { applyService, helloService, readyService, type ServiceOptions } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

interface Case {
  reason: string;
  options: ServiceOptions;
  message: RegExp;
}

const CASES: Record<string, Case> = {
  'image-missing': {
    reason: 'a tag that the registry does not know is reported with the name of the image',
    options: { image: 'registry.kube-system.svc/hello:no-such-tag' },
    message: /registry\.kube-system\.svc\/hello:no-such-tag/,
  },
  'crash-at-start': {
    reason: 'the container’s own exit code and last log line are quoted',
    options: { env: { EXIT_AT_START: '3', LAST_LINE: 'cannot open the database' } },
    message: /exited with code 3.*cannot open the database/s,
  },
  'never-listens': {
    reason: 'a container that does not listen is reported with the port and address that it must listen on',
    options: {
      env: { NEVER_LISTEN: '1' },
      container: { startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 5 } },
    },
    message: /did not listen on the port given by PORT=8080/,
  },
};

/** They start once what they lack is there. */
const LATE: Record<string, ServiceOptions> = {
  'secret-late': {
    container: {
      env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'late-secret', key: 'latest' } } }],
    },
  },
  // By its digest the registry is not asked before the kubelet does.
  'image-late': { image: `registry.kube-system.svc/hello@sha256:${'0'.repeat(64)}` },
};

describe('a service that cannot start', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-failing');

  // Each takes its time to fail, so they do it side by side.
  before(async () => {
    const { client, namespace } = suite;
    const cases = Object.entries(CASES).map(([name, { options }]) => [name, options] as const);
    for (const [name, options] of [...Object.entries(LATE), ...cases])
      await applyService(client, helloService(namespace, name, options));
  });

  for (const [name, { reason, message }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, async () => {
      const { client, namespace } = suite;
      const failed = async () => {
        const service = await serviceReady(client, namespace, name, { status: 'False' });
        const ready = service.status?.conditions?.find(({ type }) => type === 'Ready');
        if (message.test(ready?.message ?? '')) return { service, ready };
        throw new Error(`the message is: ${ready?.message}`);
      };
      const { service, ready } = await until(`a message like ${message}`, failed);
      assert.ok(ready?.reason);
      assert.equal(service.status?.latestReadyRevisionName, undefined);
    });
  }

  it('says what it lacks and is ready once it is there, 15 s late', async () => {
    const { client, namespace } = suite;
    await until('the missing secret to be named', async () => {
      const service = await serviceReady(client, namespace, 'secret-late', { status: 'Unknown' });
      const ready = service.status?.conditions?.find(({ type }) => type === 'Ready');
      return /kubectl create secret generic late-secret/.test(ready?.message ?? '');
    });
    await sleep(15_000);
    await kubectl([
      'create',
      'secret',
      'generic',
      'late-secret',
      '--namespace',
      namespace,
      '--from-literal=latest=x',
    ]);
    await serviceReady(client, namespace, 'secret-late');
  });

  it('is tried again by itself while its image is not there', async () => {
    const { client, namespace } = suite;
    const attempts = async () => {
      const [revision] = await revisionsOf(client, namespace, 'image-late');
      return conditionOf(revision?.status?.conditions, 'ContainerHealthy')?.status;
    };
    await until('the end of an attempt', async () => (await attempts()) === 'False');
    await until('the next attempt', async () => (await attempts()) === 'Unknown');
    await until('its end', async () => (await attempts()) === 'False');
  });

  it('after it was ready: it says why with 503, keeps its traffic, and heals', async () => {
    const { client, namespace, visitor } = suite;
    const secret = ['secret', 'generic', 'passing', '--namespace', namespace, '--from-literal=latest=x'];
    await kubectl(['create', ...secret]);
    await readyService(client, namespace, 'breaking', { env: { TARGET: 'old' } });
    const valueFrom = { secretKeyRef: { name: 'passing', key: 'latest' } };
    const container = {
      env: [
        { name: 'TARGET', value: 'new' },
        { name: 'KEY', valueFrom },
      ],
    };
    const { url } = await readyService(client, namespace, 'breaking', { container });
    await until('the new revision to serve', async () => /new/.test((await visitor.ask(url)).body));
    const [, second] = await revisionsOf(client, namespace, 'breaking');
    await kubectl(['delete', 'secret', 'passing', '--namespace', namespace]);
    for (const { metadata } of await podsOf(client, namespace, 'breaking'))
      await client.delete(PODS, metadata);
    const bodies: string[] = [];
    await until('503 with the reason', async () => {
      const { status, body } = await visitor.ask(url);
      bodies.push(body);
      return status === 503 && /^No instance can start: CreateContainerConfigError\./.test(body);
    });
    assert.doesNotMatch(bodies.join(''), /old/);
    const { status } = await serviceReady(client, namespace, 'breaking');
    assert.equal(status?.traffic?.[0]?.revisionName, second?.metadata.name);
    await kubectl(['create', ...secret]);
    await until('an answer', async () => (await visitor.ask(url)).status === 200);
  });

  it('never takes traffic: the revision before it goes on answering', async () => {
    const { client, namespace, visitor } = suite;
    const { url } = await readyService(client, namespace, 'sturdy', { env: { TARGET: 'old' } });
    await applyService(
      client,
      helloService(namespace, 'sturdy', { env: { EXIT_AT_START: '1', TARGET: 'new' } }),
    );
    await serviceReady(client, namespace, 'sturdy', { status: 'False' });
    for (let i = 0; i < 50; i++) {
      const { status, body } = await visitor.ask(url);
      assert.equal(status, 200);
      assert.match(body, /old/);
    }
    await readyService(client, namespace, 'sturdy', { env: { TARGET: 'mended' } });
    assert.match((await visitor.ask(url)).body, /mended/);
    assert.ok((await podsOf(client, namespace, 'sturdy')).length > 0);
  });
});
