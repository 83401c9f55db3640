import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { serviceReady } from './cluster.ts';

/** The test program that scenarios run; its paths and environment choose what it does. */
export const HELLO_IMAGE = 'registry.kube-system.svc/hello:1';

/** The programs that tell what they find inside a container, by what they are written in. */
export const CONTRACT_IMAGES = {
  go: 'registry.kube-system.svc/contract:1',
  node: 'registry.kube-system.svc/contract-node:1',
} as const;

type Template = Service['spec']['template'];
type Container = Template['spec']['containers'][number];

export interface ServiceOptions {
  image?: string;
  env?: Record<string, string>;
  /** Annotations of the template. */
  annotations?: Record<string, string>;
  serviceAnnotations?: Record<string, string>;
  /** Name of the revision. */
  revision?: string;
  concurrency?: number;
  timeoutSeconds?: number;
  h2c?: boolean;
  traffic?: Service['spec']['traffic'];
  container?: Partial<Container>;
}

/** A service of the test program. */
export function helloService(namespace: string, name: string, options: ServiceOptions = {}): Service {
  const env = Object.entries({ ...options.env, ...(options.h2c ? { H2C: '1' } : {}) });
  return {
    apiVersion: SERVICES.apiVersion,
    kind: SERVICES.kind,
    metadata: { name, namespace, annotations: options.serviceAnnotations },
    spec: {
      template: {
        metadata: { name: options.revision, annotations: options.annotations },
        spec: {
          containerConcurrency: options.concurrency,
          timeoutSeconds: options.timeoutSeconds,
          containers: [
            {
              image: options.image ?? HELLO_IMAGE,
              env: env.map(([key, value]) => ({ name: key, value })),
              ports: [{ name: options.h2c ? 'h2c' : 'http1', containerPort: 8080 }],
              resources: { limits: { cpu: '1', memory: '256Mi' } },
              ...options.container,
            },
          ],
        },
      },
      ...(options.traffic ? { traffic: options.traffic } : {}),
    },
  } as Service;
}

/** Applies a service as another tool would and gives it back as stored. */
export function applyService(client: KubeClient, service: Service): Promise<Service> {
  return client.apply(SERVICES, service, { fieldManager: 'scenario' });
}

/** Applies a service and waits until it is ready. */
export async function readyService(
  client: KubeClient,
  namespace: string,
  name: string,
  options: ServiceOptions = {},
): Promise<Service & { url: string }> {
  await applyService(client, helloService(namespace, name, options));
  const service = await serviceReady(client, namespace, name);
  return { ...service, url: service.status?.url ?? '' };
}
