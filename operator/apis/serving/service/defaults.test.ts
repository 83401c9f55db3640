import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parse } from 'yaml';
import { defaultService } from './defaults.ts';
import type { Service } from './types.ts';

/** A service whose template holds what the YAML says. */
function service(template: string, traffic?: string): Service {
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'hello', namespace: 'demo' },
    spec: { template: parse(template), ...(traffic ? { traffic: parse(traffic) } : {}) },
  } as Service;
}

const containersOf = (template: string) => defaultService(service(template)).spec.template.spec.containers;

describe('defaults of a service', () => {
  it('fills in everything that the documents name', () => {
    const { spec } = defaultService(service('spec: {containers: [{image: app}]}'));
    assert.deepEqual(
      spec,
      parse(`
        template:
          spec:
            containerConcurrency: 80
            timeoutSeconds: 300
            serviceAccountName: default
            containers:
              - name: user-container
                image: app
                ports: [{name: http1, containerPort: 8080}]
                resources: {limits: {cpu: 1000m, memory: 512Mi}}
                startupProbe:
                  tcpSocket: {port: 8080}
                  timeoutSeconds: 240
                  periodSeconds: 240
                  failureThreshold: 1
                  successThreshold: 1
        traffic: [{latestRevision: true, percent: 100}]
      `),
    );
  });

  const CONCURRENCY: Record<string, { spec: string; expected: number; reason: string }> = {
    'a whole CPU': {
      spec: 'containers: [{image: a, resources: {limits: {cpu: 1}}}]',
      expected: 80,
      reason: 'CPU >= 1',
    },
    'half a CPU': {
      spec: 'containers: [{image: a, resources: {limits: {cpu: 500m}}}]',
      expected: 1,
      reason: 'CPU < 1',
    },
    'a declared 0': {
      spec: 'containerConcurrency: 0\ncontainers: [{image: a}]',
      expected: 80,
      reason: '0 means unset',
    },
    'a declared 7': {
      spec: 'containerConcurrency: 7\ncontainers: [{image: a}]',
      expected: 7,
      reason: 'it was declared',
    },
    'a small sidecar': {
      spec: 'containers: [{image: a, resources: {limits: {cpu: 100m}}}, {image: b, ports: [{containerPort: 1}]}]',
      expected: 80,
      reason: 'requests go to the other container',
    },
  };
  for (const [name, { spec, expected, reason }] of Object.entries(CONCURRENCY)) {
    it(`takes ${expected} requests at once with ${name}: ${reason}`, () => {
      const template = { spec: parse(spec) } as Service['spec']['template'];
      const made = defaultService({ ...service('spec: {containers: []}'), spec: { template } });
      assert.equal(made.spec.template.spec.containerConcurrency, expected);
    });
  }

  it('generates unused names for containers without one', () => {
    const containers = containersOf(`
      spec: {containers: [{image: a, ports: [{containerPort: 80}]}, {image: b, name: hello-1}, {image: c, name: ''}]}`);
    assert.deepEqual(
      containers.map(({ name }) => name),
      ['hello-2', 'hello-1', 'hello-3'],
    );
  });

  it('probes and opens a port of the ingress container only', () => {
    const [sidecar, ingress] = containersOf(
      'spec: {containers: [{image: a, name: s}, {image: b, name: i, ports: [{name: h2c}]}]}',
    );
    assert.equal(sidecar?.startupProbe, undefined);
    assert.equal(sidecar?.ports, undefined);
    assert.deepEqual(ingress?.ports, [{ name: 'h2c', containerPort: 8080 }]);
    assert.deepEqual(ingress?.startupProbe?.tcpSocket, { port: 8080 });
  });

  it('leaves the startup probe out when annotation health-check-disabled says so', () => {
    const [container] = containersOf(`
      metadata: {annotations: {run.googleapis.com/health-check-disabled: 'True'}}
      spec: {containers: [{image: a}]}`);
    assert.equal(container?.startupProbe, undefined);
  });

  it('completes probes: port, path and timing, with 0 for unset as Go clients write it', () => {
    const [container] = containersOf(`
      spec:
        containers:
          - image: a
            ports: [{containerPort: 9000}]
            startupProbe: {failureThreshold: 5}
            livenessProbe: {httpGet: {port: 0}, periodSeconds: 0, timeoutSeconds: 2}
            readinessProbe: {grpc: {}}`);
    const timing = { timeoutSeconds: 1, periodSeconds: 10, failureThreshold: 3, successThreshold: 1 };
    assert.deepEqual(container?.startupProbe, { tcpSocket: { port: 9000 }, ...timing, failureThreshold: 5 });
    assert.deepEqual(container?.livenessProbe, {
      httpGet: { path: '/', port: 9000 },
      ...timing,
      timeoutSeconds: 2,
    });
    assert.deepEqual(container?.readinessProbe, { grpc: { port: 9000 }, ...timing });
  });

  it("turns the name of the container's port into its number", () => {
    const [container] = containersOf(
      'spec: {containers: [{image: a, livenessProbe: {httpGet: {port: http1}}}]}',
    );
    assert.equal(container?.livenessProbe?.httpGet?.port, 8080);
  });

  it('never sets a limit below what a container requests', () => {
    const [container] = containersOf(
      'spec: {containers: [{image: a, resources: {requests: {cpu: 100m, memory: 1Gi}}}]}',
    );
    assert.deepEqual(container?.resources?.limits, { cpu: '1000m', memory: '1Gi' });
  });

  it('makes the files of secrets readable for everybody', () => {
    const { volumes } = defaultService(
      service('spec: {containers: [{image: a}], volumes: [{name: s, secret: {secretName: x}}]}'),
    ).spec.template.spec;
    assert.equal(volumes?.[0]?.secret?.defaultMode, 0o444);
  });

  it('follows the latest revision wherever none is named', () => {
    const { traffic } = defaultService(
      service(
        'spec: {containers: [{image: a}]}',
        '[{percent: 90, revisionName: hello-1}, {percent: 10}, {tag: t, revisionName: hello-2}]',
      ),
    ).spec;
    assert.deepEqual(
      traffic?.map(({ latestRevision }) => latestRevision),
      [false, true, false],
    );
  });

  it('does not touch what it is given', () => {
    const given = service('spec: {containers: [{image: a, livenessProbe: {httpGet: {}}}]}');
    const before = structuredClone(given);
    defaultService(given);
    assert.deepEqual(given, before);
  });

  it('changes nothing when applied again', () => {
    fc.assert(
      fc.property(anyService(), (given) => {
        const once = defaultService(given);
        assert.deepEqual(defaultService(once), once);
      }),
    );
  });
});

function anyService(): fc.Arbitrary<Service> {
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const port = fc.oneof(fc.integer({ min: 0, max: 65_535 }), fc.constantFrom('http1', 'h2c', 'other'));
  const handler = fc.oneof(
    fc.constant({}),
    fc.record({ httpGet: fc.record({ path: maybe(fc.constantFrom('', '/x')), port: maybe(port) }) }),
    fc.record({ tcpSocket: fc.record({ port: maybe(port) }) }),
    fc.record({ grpc: fc.record({ port: maybe(fc.integer({ min: 0, max: 65_535 })) }) }),
    fc.constant({ exec: { command: ['true'] } }),
  );
  const seconds = maybe(fc.integer({ min: 0, max: 300 }));
  const timing = fc.record({ periodSeconds: seconds, timeoutSeconds: seconds, failureThreshold: seconds });
  const probe = maybe(fc.tuple(handler, timing).map(([a, b]) => ({ ...a, ...b })));
  const amounts = fc.dictionary(
    fc.constantFrom('cpu', 'memory', 'x'),
    fc.constantFrom('1', '100m', '2Gi', 'bad', 4),
  );
  const container = fc.record({
    image: fc.string(),
    name: maybe(fc.constantFrom('', 'a', 'hello-1', 'hello-2')),
    ports: maybe(
      fc.array(fc.record({ name: maybe(fc.constantFrom('', 'h2c')), containerPort: maybe(fc.nat(65_535)) }), {
        maxLength: 2,
      }),
    ),
    resources: maybe(fc.record({ limits: maybe(amounts), requests: maybe(amounts) })),
    startupProbe: probe,
    livenessProbe: probe,
    readinessProbe: probe,
  });
  const spec = fc.record({
    containers: fc.array(container, { maxLength: 4 }),
    containerConcurrency: maybe(fc.nat(1000)),
    timeoutSeconds: maybe(fc.nat(3600)),
    serviceAccountName: maybe(fc.constantFrom('', 'x')),
  });
  const target = fc.record({
    revisionName: maybe(fc.constantFrom('', 'r')),
    latestRevision: maybe(fc.boolean()),
    percent: maybe(fc.nat(100)),
  });
  return fc.tuple(spec, maybe(fc.array(target, { maxLength: 3 }))).map(
    ([template, traffic]) =>
      ({
        ...service('spec: {containers: []}'),
        spec: { template: { spec: template }, traffic },
      }) as unknown as Service,
  );
}
