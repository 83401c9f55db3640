import { deepEqual } from 'node:assert/strict';
import { podContainerName } from '../../apis/serving/container/names.ts';
import { BOOST_ANNOTATION } from '../../apis/serving/revision/boost.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { parseConfig } from '../../config.ts';
import { assertGolden } from '../../testing/golden.ts';
import { PINNED, pooledRevision, revision } from '../../testing/serving.ts';
import { desiredDeployment } from './deployment.ts';

const config = parseConfig({});
const golden = (name: string) => new URL(`./golden/${name}.golden.yaml`, import.meta.url);

/** A revision of two containers, both with a readiness probe. */
function withReadiness(readinessProbe: object): Revision {
  const aside = { name: 'aside', image: 'aside:1', readinessProbe: { tcpSocket: { port: 9000 } } };
  const app = { name: 'app', image: 'app:1', ports: [{ containerPort: 8080 }], readinessProbe };
  return revision('hello-v2', { spec: { containers: [app, aside] } });
}

describe('desiredDeployment', () => {
  it('runs the simplest revision', () => {
    assertGolden(
      golden('simple'),
      desiredDeployment(revision(), new Map([['user-container', PINNED]]), config),
    );
  });

  it('unpacks the source of a container before any starts, and runs it on its base image', () => {
    const annotations = {
      'run.googleapis.com/sources':
        '{"app":"gs://run-sources-demo-local-cluster1/services/hello/1.tar.gz#17"}',
      'run.googleapis.com/base-images': '{"app":"nodejs24"}',
      'run.googleapis.com/container-dependencies': '{"app":["side"]}',
    };
    const app = {
      name: 'app',
      image: 'scratch',
      command: ['node', 'main.js'],
      ports: [{ containerPort: 8080 }],
    };
    const side = { name: 'side', image: 'side:1', startupProbe: { tcpSocket: { port: 9000 } } };
    const runtimeClassName = 'run.googleapis.com/linux-base-image-update';
    const made = revision('hello-v2', {
      metadata: { annotations },
      spec: { containers: [app, side], runtimeClassName },
    });
    assertGolden(golden('source'), desiredDeployment(made, new Map([['app', PINNED]]), config));
  });

  it('leaves the folder of a program from a source as the template says', () => {
    const annotations = { 'run.googleapis.com/sources': '{"":"gs://run-sources-demo-local-cluster1/a#1"}' };
    const containers = [{ name: 'user-container', image: 'scratch', workingDir: '/workspace/sub' }];
    const made = desiredDeployment(
      revision('hello-v2', { metadata: { annotations }, spec: { containers } }),
      new Map(),
      config,
    );
    deepEqual(made.spec?.template.spec?.containers[0]?.workingDir, '/workspace/sub');
  });

  it('leaves a label `app` that a person has set as it is: they select by it', () => {
    const labelled = revision();
    labelled.metadata.labels = { ...labelled.metadata.labels, app: 'shop' };
    const { metadata, spec } = desiredDeployment(labelled, new Map(), config);
    deepEqual([metadata.labels?.app, spec?.template.metadata?.labels?.app], ['shop', 'shop']);
  });

  it('runs a worker pool in gen2, for which the chart may name a RuntimeClass; a service where it says', () => {
    const classes = parseConfig({ instance: { runtimeClasses: { gen1: 'gvisor', gen2: 'kata' } } });
    const classOf = (made: Revision) =>
      desiredDeployment(made, new Map(), classes).spec?.template.spec?.runtimeClassName;
    const annotations = { 'run.googleapis.com/execution-environment': 'gen1' };
    deepEqual([classOf(pooledRevision()), classOf(revision())], ['kata', undefined]);
    deepEqual(classOf(revision('hello-v2', { metadata: { annotations } })), 'gvisor');
  });

  it('keeps to the Pod Security Standard of the cluster, unless a container says otherwise', () => {
    const restricted = { runAsNonRoot: true, capabilities: { drop: ['ALL'] } };
    const held = parseConfig({ instance: { podSecurity: 'restricted' } });
    const own = revision('hello-v2', {
      spec: {
        containers: [
          { name: 'app', image: 'app:1' },
          { name: 'root', image: 'root:1', securityContext: { runAsNonRoot: false } },
        ],
      },
    });
    const { containers } = desiredDeployment(own, new Map(), held).spec?.template.spec ?? { containers: [] };
    const platform = { allowPrivilegeEscalation: false, seccompProfile: { type: 'RuntimeDefault' } };
    deepEqual(
      containers.map((container) => container.securityContext),
      [
        { ...restricted, ...platform },
        { ...restricted, runAsNonRoot: false, ...platform },
      ],
    );
  });

  it('calls a container with dots in its name as Kubernetes takes it, wherever the pod names it', () => {
    const annotations = {
      'run.googleapis.com/container-dependencies': '{"app.v2":["proxy.v1"]}',
      'run.googleapis.com/startup-cpu-boost': 'true',
    };
    const dotted = revision('hello-v2', {
      metadata: { annotations },
      spec: {
        containers: [
          { name: 'app.v2', image: 'app:1', ports: [{}], resources: { limits: { cpu: '1' } } },
          { name: 'proxy.v1', image: 'proxy:1', startupProbe: { tcpSocket: { port: 5432 } } },
        ],
      },
    });
    const pod = desiredDeployment(dotted, new Map([['app.v2', PINNED]]), config, { boost: true }).spec
      ?.template;
    const [app, proxy] = [podContainerName('app.v2'), podContainerName('proxy.v1')];
    deepEqual(
      pod?.spec?.containers.map(({ name, image }) => [name, image]),
      [[app, PINNED]],
    );
    deepEqual(
      pod?.spec?.initContainers?.map(({ name }) => name),
      [proxy],
    );
    deepEqual(Object.keys(JSON.parse(pod?.metadata?.annotations?.[BOOST_ANNOTATION] ?? '{}')), [app, proxy]);
  });

  it('puts a volume on the disk of the node where it asks for that, and into memory otherwise', () => {
    const volumes = [
      { name: 'disk', emptyDir: { medium: 'Disk', sizeLimit: '1Gi' } },
      { name: 'memory', emptyDir: {} },
    ];
    const scratch = revision('hello-v2', { spec: { containers: [{ name: 'a', image: 'a' }], volumes } });
    deepEqual(
      desiredDeployment(scratch, new Map(), config).spec?.template.spec?.volumes?.map(
        ({ emptyDir }) => emptyDir,
      ),
      [{ sizeLimit: '1Gi' }, { medium: 'Memory' }],
    );
  });

  it('gives a program its command and arguments as they are written', () => {
    const written = revision('hello-v2', {
      spec: {
        containers: [
          {
            name: 'app',
            image: 'app:1',
            command: ['sh', '-c', '/bin/$(uname)'],
            args: ['echo "$$ $(PORT) $HOME $(hostname)"', '$HOME', '5$'],
          },
        ],
      },
    });
    const [container] = desiredDeployment(written, new Map(), config).spec?.template.spec?.containers ?? [];
    deepEqual(container?.command, ['sh', '-c', '/bin/$$(uname)']);
    // Kubernetes takes two dollars for one, and leaves those alone that no bracket and no other dollar follows.
    deepEqual(container?.args, ['echo "$$$$ $$(PORT) $$HOME $$(hostname)"', '$HOME', '5$']);
  });

  it('runs ingress and sidecar with probes, volumes, secrets, requests and a service identity', () => {
    const rich = revision('hello-v2', {
      metadata: {
        annotations: { 'autoscaling.knative.dev/maxScale': '3', 'example.com/log': 'json' },
      },
      spec: {
        serviceAccountName: 'worker@project.iam.gserviceaccount.com',
        containers: [
          {
            name: 'app',
            image: 'registry.example/app:2',
            command: ['/app'],
            args: ['--verbose'],
            ports: [{ name: 'h2c', containerPort: 9000 }],
            env: [
              { name: 'MODE', value: 'first' },
              { name: 'MODE', value: 'last' },
              { name: 'PRICE', value: '5$ or $(MODE) or $$(MODE)' },
              { name: 'K_SERVICE', value: 'somebody-else' },
              { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'latest' } } },
            ],
            resources: { limits: { cpu: '2000m', memory: '1024Mi' }, requests: { cpu: '500m' } },
            startupProbe: { httpGet: { path: '/up' }, periodSeconds: 2, failureThreshold: 10 },
            livenessProbe: { grpc: { service: 'health' } },
            volumeMounts: [
              { name: 'scratch', mountPath: '/scratch' },
              { name: 'keys', mountPath: '/keys' },
            ],
          },
          { name: 'proxy', image: 'registry.example/proxy:1', startupProbe: { tcpSocket: { port: 5432 } } },
        ],
        volumes: [
          { name: 'scratch', emptyDir: { sizeLimit: '64Mi' } },
          { name: 'keys', secret: { secretName: 'keys', items: [{ key: 'latest', path: 'key.pem' }] } },
          {
            name: 'bucket',
            csi: {
              driver: 'gcsfuse.run.googleapis.com',
              readOnly: true,
              volumeAttributes: { bucketName: 'b' },
            },
          },
          { name: 'share', nfs: { server: '192.0.2.1', path: '/share' } },
        ],
      },
    });
    const images = new Map([
      ['app', PINNED],
      ['proxy', `registry.example/proxy@sha256:${'b'.repeat(64)}`],
    ]);
    assertGolden(golden('rich'), desiredDeployment(rich, images, config));
  });

  const readinessProbes: Record<
    string,
    { reason: string; made: Revision; kubelets: (string | undefined)[] }
  > = {
    'HTTP of a service': {
      reason: 'gateways run that of the ingress container, the kubelet those of others',
      made: withReadiness({ httpGet: { path: '/ready' } }),
      kubelets: [undefined, 'tcpSocket'],
    },
    'exec of a service': {
      reason: 'it runs inside the container',
      made: withReadiness({ exec: { command: ['ready'] } }),
      kubelets: ['exec', 'tcpSocket'],
    },
    'HTTP of a worker pool': {
      reason: 'it has no ingress container',
      made: { ...pooledRevision(), spec: withReadiness({ httpGet: { path: '/ready', port: 1 } }).spec },
      kubelets: ['httpGet', 'tcpSocket'],
    },
  };
  for (const [name, { reason, made, kubelets }] of Object.entries(readinessProbes)) {
    it(`leaves the kubelet readiness probes, ${name}: ${reason}`, () => {
      const { containers } = desiredDeployment(made, new Map(), config).spec?.template.spec ?? {
        containers: [],
      };
      const kinds = ['exec', 'httpGet', 'tcpSocket'] as const;
      const handlers = containers.map(({ readinessProbe }) => kinds.find((kind) => readinessProbe?.[kind]));
      deepEqual(handlers, kubelets);
    });
  }

  it('starts containers in the order of their dependencies, on the runtime and nodes that the chart names', () => {
    const ordered = revision('hello-v3', {
      metadata: {
        annotations: {
          'run.googleapis.com/container-dependencies': '{"app":["proxy"]}',
          'run.googleapis.com/execution-environment': 'gen1',
          'run.googleapis.com/secrets': 'db:projects/1/secrets/DB_PASSWORD',
        },
      },
      spec: {
        nodeSelector: { 'run.googleapis.com/accelerator': 'nvidia-l4' },
        containers: [
          {
            name: 'app',
            image: 'registry.example/app:2',
            ports: [{ containerPort: 9000 }],
            env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'latest' } } }],
          },
          { name: 'proxy', image: 'registry.example/proxy:1', startupProbe: { tcpSocket: { port: 5432 } } },
        ],
      },
    });
    const chart = parseConfig({
      instance: {
        runtimeClasses: { gen1: 'gvisor' },
        accelerators: { 'nvidia-l4': { 'example.com/gpu': 'l4' } },
      },
    });
    assertGolden(golden('ordered'), desiredDeployment(ordered, new Map(), chart));
  });

  it('runs a worker pool: its own environment, no port, no probe of its own, the number of instances', () => {
    const worker = pooledRevision('queue-v1', {
      spec: {
        containers: [
          {
            name: 'app',
            image: 'registry.example/app:2',
            env: [{ name: 'PORT', value: 'mine' }],
            startupProbe: { httpGet: { path: '/up', port: 9000 } },
          },
          { name: 'helper', image: 'registry.example/helper:1' },
        ],
      },
    });
    const images = new Map([
      ['app', PINNED],
      ['helper', PINNED],
    ]);
    assertGolden(golden('worker'), desiredDeployment(worker, images, config, { replicas: 3 }));
  });
});
