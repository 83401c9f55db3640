import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect as connectTls } from 'node:tls';
import { BroadcastChannel } from 'node:worker_threads';
import { Client, request } from 'undici';
import { RUN } from '../../apis/annotations/run.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { SERVING } from '../../apis/labels.ts';
import { deploymentName } from '../../apis/names.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { ROUTES, type Route } from '../../apis/serving/route/types.ts';
import { DEPLOYMENTS, PODS, type Pod, SECRETS, type Secret } from '../../kube/core.ts';
import { domainMapping } from '../../testing/domains.ts';
import { Rejection } from '../../testing/fakeApiServer.ts';
import { freePort } from '../../testing/freePort.ts';
import { serverCertificate, testAuthority } from '../../testing/serverCertificate.ts';
import { until } from '../../testing/until.ts';
import { WAKE_CHANNEL } from '../shared/messages.ts';
import type { StatsReport } from '../shared/statsReport.ts';
import { servedRevision, useGatewayRole } from '../testing/gatewayRole.ts';
import { type Answer, ask } from '../testing/harness.ts';
import { instanceCookie, revisionToken } from './affinity.ts';
import { AFFINITY_SECRET } from './affinityKey.ts';
import { COLD_START_PARTS } from './coldStarts.ts';
import { dataThreads } from './gateway.ts';

const shares = (traffic: Record<string, number>, tags: Record<string, string> = {}): Route => ({
  apiVersion: ROUTES.apiVersion,
  kind: ROUTES.kind,
  metadata: { namespace: 'ns', name: 'hello' },
  spec: {},
  status: {
    traffic: [
      ...Object.entries(traffic).map(([revisionName, percent]) => ({ revisionName, percent })),
      ...Object.entries(tags).map(([tag, revisionName]) => ({ tag, revisionName, percent: 0 })),
    ],
  },
});

const pod = (
  name: string,
  of: string,
  status: Pod['status'],
  metadata: Partial<Pod['metadata']> = {},
): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'ns',
    name,
    labels: { [SERVING.revision]: of, [SERVING.revisionUID]: `uid-${of}` },
    ...metadata,
  },
  spec: { containers: [{ name: 'user', image: 'x', ports: [{ containerPort: 1 }] }] },
  status: { phase: 'Running', ...status },
});

const deployment = (of: string, replicas: number) => ({
  apiVersion: DEPLOYMENTS.apiVersion,
  kind: DEPLOYMENTS.kind,
  metadata: { namespace: 'ns', name: deploymentName(of) },
  spec: { replicas, selector: {}, template: {} },
});

describe('gateway role', () => {
  const role = useGatewayRole();
  const { admin, program } = role;
  const begin = (gateway: object = {}) => role.begin({ gateway });
  const origin = () => `http://127.0.0.1:${role.port}`;
  const get = (host = 'hello.ns.test', path = '/') => ask(origin(), path, { host });
  const stats = async () => JSON.parse((await admin('/stats')).text) as StatsReport;
  /** How many cold starts were measured in this process, by part. */
  const coldStarts = async () => {
    const { text } = await admin('/metrics');
    return COLD_START_PARTS.map((part) => {
      const series = new RegExp(`^homerun_gateway_cold_start_seconds_count\\{part="${part}"\\} (\\d+)$`, 'm');
      return Number(series.exec(text)?.[1] ?? 0);
    });
  };
  const patches = () =>
    role.api.requests.filter(({ method, path }) => method === 'PATCH' && path.endsWith('/scale'));

  it('sends no new request to an instance that fails its readiness probe, until it passes again', async () => {
    const unready = new Set<string>();
    const instance = (name: string): RequestListener => {
      return ({ url }, response) =>
        response.writeHead(url === '/ready' && unready.has(name) ? 503 : 200).end(name);
    };
    const at = await program(instance('p1'));
    await program(instance('p2'), '127.0.0.2', at);
    const made = servedRevision('hello-1', at);
    const timing = { periodSeconds: 1, failureThreshold: 1 };
    const containers = made.spec.containers.map((container) => ({
      ...container,
      readinessProbe: { httpGet: { path: '/ready' }, ...timing },
    }));
    role.api.put({ ...made, spec: { ...made.spec, containers } } as Revision);
    role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
    role.api.put(pod('p2', 'hello-1', { podIP: '127.0.0.2' }));
    role.api.put(shares({ 'hello-1': 100 }));
    await begin();
    const served = async () =>
      new Set(await Promise.all(Array.from({ length: 8 }, async () => (await get()).text)));
    await until('both serve', async () => (await served()).size === 2);
    unready.add('p2');
    await until('one serves', async () => (await served()).size === 1);
    assert.deepEqual(await served(), new Set(['p1']));
    unready.add('p1').delete('p2');
    await until('the other serves', async () => !(await served()).has('p1'));
    unready.add('p2');
    await until('a request waits', async () => {
      const answer = get();
      const isWaiting = async () => (await stats()).revisions['ns/hello-1']?.queued === 1;
      const waits = await Promise.race([answer.then(() => false), until('it is queued', isWaiting)]);
      if (!waits) return false;
      unready.delete('p1');
      assert.equal((await answer).text, 'p1');
      return true;
    });
  });

  it('serves a mapped domain as its service, as long as the mapping has it', async () => {
    const at = await program((request, response) => response.end(request.headers.host));
    role.api.put(servedRevision('hello-1', at));
    role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
    role.api.put(shares({ 'hello-1': 100 }));
    await begin();
    const mapping = domainMapping('www.example.com', {}, { namespace: 'ns' });
    assert.equal((await get('www.example.com')).status, 404);
    role.api.put({ ...mapping, status: { mappedRouteName: 'hello' } } as DomainMapping);
    await until('it is served', async () => (await get('www.example.com')).status === 200);
    assert.equal((await get('WWW.example.com:80')).text, 'WWW.example.com:80');
    role.api.put(mapping);
    await until('it is served no longer', async () => (await get('www.example.com')).status === 404);
    assert.equal((await get()).status, 200);
  });

  it('serves HTTPS with the certificates of Secrets, which may change while it runs', async () => {
    const at = await program((request, response) => response.end(request.headers['x-forwarded-proto']));
    role.api.put(servedRevision('hello-1', at));
    role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
    role.api.put(shares({ 'hello-1': 100 }));
    const secret = async (namespace: string, name: string, host: string, key?: string) => {
      const pair = await serverCertificate([host]);
      const base64 = (text: string) => Buffer.from(text).toString('base64');
      const data = { 'tls.crt': base64(pair.certificate), 'tls.key': base64(key ?? pair.key) };
      const type = 'kubernetes.io/tls';
      role.api.put({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, type, data } as Secret);
      return new X509Certificate(pair.certificate).serialNumber;
    };
    const first = await secret('sys', 'named', 'hello.ns.test');
    // Nothing says that it is for the gateway.
    await secret('sys', 'other', 'other.ns.test');
    const tlsPort = await freePort();
    await begin({ tlsPort, tls: { secrets: ['named'], namespace: 'certs', publicPort: tlsPort } });
    const ca = await testAuthority();
    const served = async (servername: string) => {
      const socket = connectTls({ host: '127.0.0.1', port: tlsPort, servername, ca });
      try {
        await once(socket, 'secureConnect');
        return socket.getPeerCertificate().serialNumber;
      } finally {
        socket.destroy();
      }
    };
    const connect = { ca, servername: 'hello.ns.test' };
    const client = new Client(`https://127.0.0.1:${tlsPort}`, { connect });
    const over = async () => {
      const { body } = await client.request({ method: 'GET', path: '/', headers: { host: 'hello.ns.test' } });
      return body.text();
    };
    assert.equal(await over(), 'https');
    assert.equal(await served('hello.ns.test'), first);
    await assert.rejects(served('other.ns.test'));
    const redirect = await get('hello.ns.test', '/a');
    assert.deepEqual(
      [redirect.status, redirect.headers.location],
      [302, `https://hello.ns.test:${tlsPort}/a`],
    );

    const second = await secret('sys', 'named', 'hello.ns.test');
    await until('the new one is served', async () => (await served('hello.ns.test')) === second);
    await secret('sys', 'named', 'hello.ns.test', 'no key');
    const faults = async () => /^homerun_gateway_certificate_faults 1$/m.test((await admin('/metrics')).text);
    await until('the fault is seen', faults);
    assert.equal(await served('hello.ns.test'), second);
    const added = await secret('certs', 'added', '*.ns.test');
    await until('the added one is served', () =>
      served('any.ns.test').then(
        (serial) => serial === added,
        () => false,
      ),
    );
    // The connection of the first certificate.
    assert.equal(await over(), 'https');
    await client.close();
  });

  it('serves a route on all its hosts, and reports to the autoscaler and Prometheus', async () => {
    const at = await program((_req, res) => res.end('hello'));
    role.api.put(servedRevision('hello-1', at));
    role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
    role.api.put(shares({ 'hello-1': 100 }, { old: 'hello-1' }));
    await begin();
    const hosts = [
      'hello.ns.test',
      'old---hello.ns.test',
      'hello.ns',
      'hello.ns.svc',
      'hello.ns.svc.cluster.local',
    ];
    for (const host of hosts) assert.equal((await get(host)).text, 'hello', host);
    assert.equal((await get('other.ns.test')).status, 404);
    const { revisions, instance } = await stats();
    const entry = revisions['ns/hello-1'];
    assert.equal(entry?.requests, 5);
    assert.deepEqual(entry?.instances, { p1: 0 });
    assert.ok(instance.start <= Date.now());
    const { text } = await admin('/metrics');
    assert.match(text, /homerun_gateway_requests_total\{namespace="ns",revision="hello-1",class="2xx"\} 5/);
    assert.match(
      text,
      /homerun_gateway_request_duration_seconds_count\{namespace="ns",revision="hello-1"\} 5/,
    );
    assert.match(text, /homerun_gateway_request_duration_seconds_bucket\{[^}]*le="\+Inf"\} 5/);
    assert.match(text, /homerun_gateway_(?:upstream|overhead)_seconds_count 5/);
    for (const part of ['gateway', 'upstream']) {
      const series = `homerun_gateway_time_seconds_total{namespace="ns",revision="hello-1",part="${part}"}`;
      assert.ok(Number(text.split(`${series} `)[1]?.split('\n')[0]) > 0, part);
    }
    assert.doesNotMatch(text, /homerun_gateway_errors_total\{/);
    assert.equal((await get('nobody.test')).status, 404);
    const { text: after } = await admin('/metrics');
    assert.match(after, /homerun_gateway_refusals_total\{reason="unknown_host"\} 2/);
    assert.match(after, /homerun_gateway_connections\{protocol="http1"\} \d/);
    assert.match(after, /homerun_gateway_queue_wait_seconds_bucket\{le="\+Inf"\} \d/);
    assert.equal((await admin('/healthz')).status, 200);
  });

  it('exports the spans of requests to a receiver, all of them before it ends', async () => {
    const bodies: string[] = [];
    const receiver = await program(async (request, response) => {
      let text = '';
      for await (const part of request) text += part;
      bodies.push(text);
      response.end('{}');
    });
    const at = await program((_request, response) => response.end('ok'));
    role.api.put(servedRevision('hello-1', at));
    role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
    role.api.put(shares({ 'hello-1': 100 }));
    await begin({ tracing: { endpoint: `http://127.0.0.1:${receiver}`, samplingRatio: 1 } });
    await get();
    await until('spans come', () => bodies.length > 0);
    const exported = async () =>
      /^homerun_gateway_spans_exported_total 2$/m.test((await admin('/metrics')).text);
    await until('they are counted', exported);
    await get('hello.ns.test', '/last');
    await role.end();
    const { resourceSpans } = JSON.parse(bodies.at(-1) as string);
    const [{ resource, scopeSpans }] = resourceSpans;
    assert.deepEqual(
      resource.attributes.map(({ value }: { value: { stringValue: string } }) => value.stringValue),
      ['homerun-gateway', 'sys', 'gw'],
    );
    const paths = scopeSpans[0].spans.flatMap(
      ({ attributes }: { attributes: { key: string; value: object }[] }) =>
        attributes.filter(({ key }) => key === 'url.path').map(({ value }) => Object.values(value)[0]),
    );
    assert.ok(paths.includes('/last'), String(paths));
  });

  it('serves internal routes at its internal port alone', async () => {
    const at = await program((_req, res) => res.end('hello'));
    role.api.put(servedRevision('hello-1', at));
    role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
    const route = shares({ 'hello-1': 100 });
    route.metadata.annotations = { 'run.googleapis.com/ingress': 'internal' };
    role.api.put(route);
    await begin();
    const internal = `http://127.0.0.1:${role.internalPort}`;
    for (const host of ['hello.ns.test', 'hello.ns', 'hello.ns.svc.cluster.local']) {
      assert.equal((await get(host)).status, 404, host);
      assert.equal((await ask(internal, '/', { host })).text, 'hello', host);
    }
    route.metadata.annotations = { 'run.googleapis.com/ingress': 'all' };
    role.api.put(route);
    await until('it is open', async () => (await get()).status === 200);
    assert.equal((await ask(internal, '/', { host: 'hello.ns' })).text, 'hello');
  });

  it('takes addresses from the node role alone, and only such as pods can have', async () => {
    const outcomes = async () => {
      const { text } = await admin('/metrics');
      return [...text.matchAll(/^homerun_gateway_node_addresses_total\{outcome="(\w+)"\} (\d+)$/gm)].map(
        ([, outcome, count]) => `${outcome} ${count}`,
      );
    };
    const post = async (body: string) => {
      const { status, text } = await admin('/addresses', { method: 'POST', body });
      return [status, text];
    };
    const own = (component: string, podIP: string) => ({
      ...pod(component, component, { podIP, podIPs: [{ ip: podIP }] }),
      metadata: {
        namespace: 'sys',
        name: component,
        labels: { 'app.kubernetes.io/name': 'homerun', 'app.kubernetes.io/component': component },
      },
      spec: { containers: [], nodeName: 'n1' },
    });
    // What the kubelet holds back is not dialled.
    const container = { name: 'user', image: 'x', readinessProbe: {}, ports: [{ containerPort: 1 }] };
    const waiting = { ...pod('p1', 'hello-1', { phase: 'Pending' }, { uid: 'p1' }) };
    role.api.put(servedRevision('hello-1', await freePort()));
    role.api.put({ ...waiting, spec: { nodeName: 'n1', containers: [container] } });
    role.api.put(own('controller', '127.0.0.1'));
    await begin();
    const before = await outcomes();
    assert.deepEqual(await post('{"p1":"10.0.0.1"}'), [403, 'this address may not say so\n']);
    role.api.put(own('node', '127.0.0.1'));
    await until('the node is known', async () => (await post('{}'))[0] === 200);
    assert.equal((await post('{"p1":"127.0.0.1"}'))[0], 400);
    assert.equal((await post(`{"p1":"${'x'.repeat(200_000)}"}`))[0], 400);
    assert.deepEqual(await outcomes(), before);
    assert.deepEqual(await post('{"p1":"10.0.0.1"}'), [200, '{}']);
    const used = Number(before.find((each) => each.startsWith('used '))?.slice(5) ?? 0);
    assert.ok((await outcomes()).includes(`used ${used + 1}`));
  });

  it('wakes a revision once for all waiting requests, and answers as soon as its instance does', async () => {
    const at = await freePort();
    role.api.put(servedRevision('hello-1', at));
    role.api.put(shares({ 'hello-1': 100 }));
    role.api.put(deployment('hello-1', 0));
    await begin();
    const before = await coldStarts();
    const answers = Promise.all(Array.from({ length: 10 }, () => get()));
    await until('it is woken', () => patches().length > 0);
    assert.equal(
      (await role.api.client.get(DEPLOYMENTS, { namespace: 'ns', name: deploymentName('hello-1') }))?.spec
        ?.replicas,
      1,
    );
    role.api.put(pod('p1', 'hello-1', { phase: 'Pending' }));
    role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
    await until('all wait', async () => (await stats()).revisions['ns/hello-1']?.queued === 10);
    await program((_req, res) => res.end('awake'), '127.0.0.1', at);
    for (const { status, text } of await answers) assert.deepEqual([status, text], [200, 'awake']);
    assert.equal(patches().length, 1);
    await until('each part of the cold start is measured once', async () => {
      const counts = await coldStarts();
      return counts.every((count, i) => count === (before[i] as number) + 1);
    });
  });

  it('does not change the number of instances when it is not zero', async () => {
    role.api.put(servedRevision('hello-1', await freePort()));
    role.api.put(shares({ 'hello-1': 100 }));
    role.api.put(deployment('hello-1', 3));
    await begin();
    const call = request(origin(), { headers: { host: 'hello.ns.test' }, signal: AbortSignal.timeout(300) });
    await assert.rejects(call);
    assert.deepEqual(patches(), []);
  });

  it('lets an idle instance with one slot answer at once while another starts (knative/serving#12230)', async () => {
    let end: (() => void) | undefined;
    const answer = (name: string): RequestListener => {
      return (req, res) => {
        if (req.url === '/long') end = () => res.end(name);
        else setTimeout(() => res.end(name), 5);
      };
    };
    const at = await program(answer('a'));
    role.api.put(servedRevision('hello-1', at, { containerConcurrency: 1 }));
    role.api.put(pod('a', 'hello-1', { podIP: '127.0.0.1' }));
    role.api.put(shares({ 'hello-1': 100 }));
    role.api.put(deployment('hello-1', 1));
    await begin();
    const ask = async (count: number) => {
      const seen = new Set<string>();
      for (let i = 0; i < count; i++) {
        const { status, text } = await get();
        assert.equal(status, 200);
        seen.add(text);
      }
      return seen;
    };
    // The first one may come before the instance was probed.
    await ask(1);
    const slow = async () => {
      const { text } = await admin('/metrics');
      const waits = (within: string) =>
        Number(
          new RegExp(`^homerun_gateway_queue_wait_seconds_bucket\\{le="${within}"\\} (\\d+)$`, 'm').exec(
            text,
          )?.[1],
        );
      return waits('\\+Inf') - waits('1');
    };
    const before = await slow();
    await ask(9);
    // What the autoscaler does at 60 % of one slot: there is another instance, which does not answer yet.
    role.api.put(pod('b', 'hello-1', { phase: 'Pending' }));
    role.api.put(pod('b', 'hello-1', { podIP: '127.0.0.2' }));
    await until(
      'it is known',
      async () => Object.keys((await stats()).revisions['ns/hello-1']?.instances ?? {}).length === 2,
    );
    assert.deepEqual(await ask(20), new Set(['a']));
    await program(answer('b'), '127.0.0.2', at);
    await until('it answers too', async () => (await ask(2)).has('b'));
    const long = get('hello.ns.test', '/long');
    await until('it is in flight', () => end);
    const other = await ask(20);
    assert.equal(other.size, 1, 'all by the one that was idle');
    end?.();
    assert.ok(!other.has((await long).text));
    assert.equal(await slow(), before, 'none of them has waited for an instance to start');
    assert.deepEqual(patches(), []);
  });

  it('answers 503 with the reason while no instance of a ready revision can start, and 200 when it can', async () => {
    const at = await program((_req, res) => res.end('hello'));
    const broken = servedRevision('hello-1', at, { timeoutSeconds: 1 });
    const active = {
      type: 'Active',
      severity: 'Info',
      status: 'False',
      reason: 'CreateContainerConfigError',
    } as const;
    role.api.put({ ...broken, status: { conditions: [{ type: 'Ready', status: 'True' }, active] } });
    role.api.put(shares({ 'hello-1': 100 }));
    role.api.put(deployment('hello-1', 0));
    await begin();
    const { status, text } = await get();
    assert.equal(status, 503);
    assert.match(text, /^No instance can start: CreateContainerConfigError\./);
    assert.equal(patches().length, 1, 'each request tries it again');
    const { text: metrics } = await admin('/metrics');
    assert.match(metrics, /homerun_gateway_refusals_total\{reason="start_failed"\} 1/);
    assert.match(
      metrics,
      /homerun_gateway_errors_total\{namespace="ns",revision="[\w-]+",cause="start_failed"\} 1/,
    );
    role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
    assert.equal((await get()).text, 'hello', 'whatever is reported: the instance is what counts');
  });

  it('loses no request while traffic moves from one revision to another and the old instance terminates', async () => {
    const [one, two] = [
      await program((_req, res) => res.end('1')),
      await program((_req, res) => res.end('2')),
    ];
    role.api.put(servedRevision('hello-1', one));
    role.api.put(servedRevision('hello-2', two));
    role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
    role.api.put(shares({ 'hello-1': 100 }));
    await begin();
    const answers: string[] = [];
    let done = false;
    const load = (async () => {
      while (!done) {
        const { status, text } = await get();
        answers.push(`${status} ${text}`);
      }
    })();
    await until('the old one answers', () => answers.length > 10);
    role.api.put(pod('p2', 'hello-2', { podIP: '127.0.0.1' }));
    role.api.put(shares({ 'hello-1': 50, 'hello-2': 50 }));
    await until('both answer', () => answers.slice(-4).includes('200 2'));
    role.api.put(shares({ 'hello-2': 100 }));
    await until('the new one answers', () => answers.slice(-5).every((answer) => answer === '200 2'));
    role.api.remove(PODS, { namespace: 'ns', name: 'p1' });
    const before = answers.length;
    await until('it goes on', () => answers.length > before + 10);
    done = true;
    await load;
    assert.deepEqual([...new Set(answers)].sort(), ['200 1', '200 2']);
  });

  it('sends nothing more to a terminating instance, and probes one whose container was restarted', async () => {
    const at = await program((_req, res) => res.end('a'));
    await program((_req, res) => res.end('b'), '127.0.0.2', at);
    const status = (podIP: string, containerID: string) => ({
      podIP,
      containerStatuses: [
        { name: 'user', containerID, image: '', imageID: '', ready: true, restartCount: 0 },
      ],
    });
    role.api.put(servedRevision('hello-1', at));
    role.api.put(pod('a', 'hello-1', status('127.0.0.1', 'c1'), { finalizers: ['hold'] } as never));
    role.api.put(pod('b', 'hello-1', status('127.0.0.2', 'c1')));
    role.api.put(shares({ 'hello-1': 100 }));
    await begin();
    const texts = async () =>
      new Set(await Promise.all(Array.from({ length: 8 }, async () => (await get()).text)));
    await until('both answer', async () => (await texts()).size === 2);
    role.api.put(
      pod('a', 'hello-1', status('127.0.0.1', 'c1'), { deletionTimestamp: new Date().toISOString() }),
    );
    await until('only one answers', async () => (await texts()).size === 1);
    role.api.put(pod('b', 'hello-1', status('127.0.0.2', 'c2')));
    assert.deepEqual(await texts(), new Set(['b']));
  });

  describe('with session affinity', () => {
    const KEYS = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const;
    const secret = (key: Buffer): Secret => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'sys', name: AFFINITY_SECRET },
      data: { key: key.toString('base64') },
    });
    const cookieOf = ({ headers }: Answer) => {
      const set = headers['set-cookie'];
      return set === undefined ? undefined : String(set).split(';')[0];
    };
    const visit = (cookie?: string) =>
      ask(origin(), '/', { host: 'hello.ns.test', headers: cookie === undefined ? {} : { cookie } });

    beforeEach(async () => {
      const at = await program((_req, res) => res.end('p1'));
      await program((_req, res) => res.end('p2'), '127.0.0.2', at);
      const made = servedRevision('hello-1', at);
      role.api.put({
        ...made,
        metadata: { ...made.metadata, annotations: { [RUN.sessionAffinity]: 'true' } },
      });
      role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
      role.api.put(pod('p2', 'hello-1', { podIP: '127.0.0.2' }));
      role.api.put(shares({ 'hello-1': 100 }));
    });

    const cookieFor = (key: Buffer, name: string) =>
      `GAESA=${instanceCookie(key, revisionToken(key, 'ns/hello-1', 'uid-hello-1'), name)}`;
    /** Whether all threads send clients of both instances to their own; each request has its own connection. */
    const binds = async (key: Buffer) => {
      const names = Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 'p1' : 'p2'));
      const answers = await Promise.all(names.map((name) => visit(cookieFor(key, name))));
      return answers.every((answer, i) => answer.text === names[i] && cookieOf(answer) === undefined);
    };

    it('binds clients with the key that all gateways share', async () => {
      role.api.put(secret(KEYS[0]));
      await begin();
      await until('clients are bound', () => binds(KEYS[0]));
      const first = await visit();
      assert.equal(cookieOf(first), cookieFor(KEYS[0], first.text), 'another gateway makes the same');
      for (let i = 0; i < 4; i++) assert.ok(await binds(KEYS[0]));
    });

    it('serves without a key, takes one when it comes, and goes on with it when it is spoiled or deleted', async () => {
      await begin();
      const before = await visit('GAESA=old');
      assert.deepEqual([before.status, cookieOf(before)], [200, undefined]);
      for (const key of KEYS) {
        role.api.put(secret(key));
        await until('all threads have it', () => binds(key));
      }
      const late = await visit(cookieFor(KEYS[0], 'p1'));
      assert.equal(cookieOf(late), cookieFor(KEYS[1], late.text), 'a cookie of the first key counts as none');
      role.api.put({ ...secret(KEYS[0]), data: { key: 'c2hvcnQ=' } });
      await role.api.client.delete(SECRETS, { namespace: 'sys', name: AFFINITY_SECRET });
      // What comes behind these two events is seen after them.
      role.api.put(shares({ 'hello-1': 100 }, { later: 'hello-1' }));
      await until('the tag serves', async () => (await get('later---hello.ns.test')).status === 200);
      assert.ok(await binds(KEYS[1]));
    });

    it('serves without affinity where it may not read the Secret', async () => {
      const isSecrets = ({ path }: { path: string }) => path === '/api/v1/namespaces/sys/secrets';
      role.api.failNext(new Rejection(403, 'Forbidden', 'no'), isSecrets, Number.POSITIVE_INFINITY);
      await begin();
      const answer = await visit();
      assert.deepEqual([answer.status, cookieOf(answer)], [200, undefined]);
      assert.ok(role.api.requests.some(isSecrets));
    });
  });

  it('is neither ready nor alive while no data thread listens, and serves again with new ones', async () => {
    const at = await program((_req, res) => res.end('hello'));
    role.api.put(servedRevision('hello-1', at));
    role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
    role.api.put(shares({ 'hello-1': 100 }));
    await begin();
    const both = async () => Promise.all(['/healthz', '/readyz'].map((path) => admin(path)));
    assert.deepEqual(
      (await both()).map(({ status }) => status),
      [200, 200],
    );
    const wakes = new BroadcastChannel(WAKE_CHANNEL);
    // No thread can read it, so all of them end.
    wakes.postMessage(null);
    wakes.close();
    await until('both checks fail', async () =>
      (await both()).every(({ status, text }) => status === 503 && text === 'no data thread listens\n'),
    );
    await until('both checks pass', async () => (await both()).every(({ status }) => status === 200));
    await until('it serves', async () => (await get()).text === 'hello');
    const { text } = await admin('/metrics');
    assert.match(text, /^homerun_gateway_thread_deaths_total\{reason="crash"\} 2$/m);
    assert.match(text, /^homerun_gateway_thread_restarts_total\{reason="crash"\} [12]$/m);
    assert.match(text, /^homerun_gateway_thread_errors_total\{kind="exception"\} 2$/m);
    assert.match(text, /^homerun_gateway_threads [12]$/m);
    assert.match(text, /^homerun_gateway_event_loop_lag_seconds\{thread="control"\} [\d.e-]+$/m);
    assert.match(text, /^homerun_gateway_event_loop_lag_seconds\{thread="1"\} [\d.e-]+$/m);
  });

  it('ends without losing a request', async () => {
    let release: (() => void) | undefined;
    const at = await program((req, res) => {
      if (req.url === '/slow') release = () => res.end('late');
      else res.end('ok');
    });
    role.api.put(servedRevision('hello-1', at));
    role.api.put(pod('p1', 'hello-1', { podIP: '127.0.0.1' }));
    role.api.put(shares({ 'hello-1': 100 }));
    await begin();
    const slow = get('hello.ns.test', '/slow');
    await until('it is in flight', () => release);
    role.stop();
    await until('it is unready', async () => (await admin('/readyz')).status === 503);
    const { status, headers } = await get();
    assert.deepEqual([status, headers.connection], [200, 'close']);
    await until('it no longer listens', async () => (await get().catch(() => 'refused')) === 'refused', {
      everyMs: 50,
    });
    // A restart by the kubelet would break off what is still under way.
    assert.equal((await admin('/healthz')).status, 200);
    release?.();
    assert.equal((await slow).text, 'late');
    await role.end();
  });
});

describe('dataThreads', () => {
  it('are two at least, four at most, and leave one processor free where there are enough', () => {
    assert.deepEqual([1, 2, 3, 4, 5, 64].map(dataThreads), [2, 2, 2, 3, 4, 4]);
  });
});
