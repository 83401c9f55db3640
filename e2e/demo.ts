import { connect, ensureNamespace, gatewayAddress, kubectl, podsOf, serviceReady } from './lib/cluster.ts';
import { Visitor } from './lib/http.ts';
import { until } from './lib/wait.ts';

const NAMESPACE = 'demo';
const REQUESTS = 1000;

const samples = new URL('./samples/', import.meta.url).pathname;
const started = performance.now();

/** What is about to happen, with the seconds since the start. */
function say(text: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(5);
  console.log(`${seconds}s  ${text}`);
}

/** What was seen. */
function show(text: string): void {
  console.log(`         ${text.trimEnd().replaceAll('\n', '\n         ')}`);
}

function check(held: boolean, what: string): void {
  if (!held) throw new Error(`the demo expected ${what}`);
}

const client = await connect();
const address = await gatewayAddress(client);
await using visitor = new Visitor(address);

say('kubectl apply: a stock Cloud Run service.yaml (e2e/samples/hello.yaml)');
await kubectl(['delete', 'ksvc', '--all', '-n', NAMESPACE, '--ignore-not-found', '--wait']);
await ensureNamespace(client, NAMESPACE);
const applied = performance.now();
show(await kubectl(['apply', '-n', NAMESPACE, '-f', `${samples}hello.yaml`]));
const hello = await serviceReady(client, NAMESPACE, 'hello');
show(`Ready after ${(performance.now() - applied).toFixed(0)} ms`);
show(await kubectl(['get', 'ksvc,config,route,revision', '-n', NAMESPACE]));

const url = hello.status?.url ?? '';
say(`a request through the gateway: ${url}`);
const first = await visitor.ask(url);
check(first.status === 200, `200, not ${first.status}: ${first.body}`);
show(`${first.status} in ${first.ms.toFixed(1)} ms: ${first.body}`);

say('no requests: waiting for the last instance to go');
await until('zero instances', async () => (await podsOf(client, NAMESPACE, 'hello')).length === 0, {
  timeoutMs: 120_000,
});
show(await kubectl(['get', 'deployment', '-n', NAMESPACE]));

say('a request at zero instances: the gateway wakes one and holds the request until it listens');
const woken = await visitor.ask(url);
check(woken.status === 200, `200, not ${woken.status}: ${woken.body}`);
show(`${woken.status} in ${woken.ms.toFixed(0)} ms: ${woken.body}`);

say('kubectl apply: a second revision gets 10 percent and the tag "next" (e2e/samples/hello-split.yaml)');
show(await kubectl(['apply', '-n', NAMESPACE, '-f', `${samples}hello-split.yaml`]));
const split = await serviceReady(client, NAMESPACE, 'hello');
show(await kubectl(['get', 'revision', '-n', NAMESPACE]));

say(`${REQUESTS} requests to ${url}`);
const counts = new Map<string, number>();
const lane = async () => {
  for (let sent = 0; sent < REQUESTS / 10; sent++) {
    const { status, body } = await visitor.ask(url);
    check(status === 200, `200, not ${status}: ${body}`);
    counts.set(body.trim(), (counts.get(body.trim()) ?? 0) + 1);
  }
};
await Promise.all(Array.from({ length: 10 }, lane));
for (const [body, count] of counts) show(`${String(count).padStart(4)} x ${body}`);
const share = ((counts.get('Hello Universe!') ?? 0) / REQUESTS) * 100;
check(Math.abs(share - 10) <= 3, `10 +- 3 percent from hello-v2, not ${share}`);

const tagged = split.status?.traffic?.find(({ tag }) => tag === 'next')?.url ?? '';
say(`the tag's own address: ${tagged}`);
const next = await visitor.ask(tagged);
check(next.body.includes('Universe'), `an answer of hello-v2, not ${next.body}`);
show(`${next.status}: ${next.body}`);

say('kubectl apply: a service whose container stops at once (e2e/samples/failing.yaml)');
await kubectl(['apply', '-n', NAMESPACE, '-f', `${samples}failing.yaml`]);
const failing = await serviceReady(client, NAMESPACE, 'failing', { status: 'False' });
show(failing.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '');

say('done. Try it yourself:');
show(`e2e/in curl -H 'Host: ${new URL(url).host}' http://${address.host}:${address.port}/headers
e2e/in kubectl get ksvc -n ${NAMESPACE} --watch
e2e/in kubectl apply -n ${NAMESPACE} -f YOUR-OWN-service.yaml
e2e/in kubectl logs -n homerun-system -l app.kubernetes.io/name=homerun
make cluster-down`);
