import { deepEqual, equal } from 'node:assert/strict';
import { parseConfig } from '../../config.ts';
import type { CoreService, Deployment } from '../../kube/core.ts';
import { PINNED, revision } from '../../testing/serving.ts';
import { desiredDeployment } from '../revision/deployment.ts';
import { type MetadataAccess, metadataAccess, metadataEnv } from './metadata.ts';

const config = parseConfig({});
const hinted: MetadataAccess = { address: '10.96.0.7', linkLocal: false };
const moved: MetadataAccess = { address: '10.96.0.8', linkLocal: true };
const server = (clusterIP?: string) => ({ spec: { clusterIP } }) as CoreService;

/** A Deployment made with this access, with so many instances now. */
function made(access: MetadataAccess | undefined, replicas: number): Deployment {
  const deployment = desiredDeployment(revision(), new Map([['hello-1', PINNED]]), config, {
    metadata: access,
  });
  return { ...deployment, spec: { ...deployment.spec, replicas } } as Deployment;
}

describe('how instances find the metadata server', () => {
  it('is by the address of its Service, when it is installed', () => {
    deepEqual(metadataAccess(server('10.96.0.7'), config), hinted);
    equal(metadataAccess(undefined, config), undefined);
    equal(metadataAccess(server('None'), config), undefined);
    equal(metadataAccess(server('10.96.0.7'), parseConfig({ metadata: { enabled: false } })), undefined);
    const direct = parseConfig({ metadata: { linkLocal: true } });
    deepEqual(metadataAccess(server('10.96.0.8'), direct), moved);
  });

  it('is in /etc/hosts, with a hint for libraries that look at 169.254.169.254', () => {
    const spec = made(hinted, 1).spec?.template.spec;
    deepEqual(spec?.hostAliases, [{ ip: '10.96.0.7', hostnames: ['metadata.google.internal', 'metadata'] }]);
    const env = spec?.containers[0]?.env?.filter(({ name }) => name.startsWith('GCE_'));
    deepEqual(env, [
      { name: 'GCE_METADATA_HOST', value: 'metadata.google.internal' },
      { name: 'GCE_METADATA_IP', value: 'metadata.google.internal' },
    ]);
  });

  it('leaves the environment as on Cloud Run where 169.254.169.254 works', () => {
    const spec = made(moved, 1).spec?.template.spec;
    equal(spec?.hostAliases?.[0]?.ip, '10.96.0.8');
    deepEqual(
      spec?.containers[0]?.env?.filter(({ name }) => name.startsWith('GCE_')),
      [],
    );
  });

  it('leaves what a person says of it', () => {
    const container = { env: [{ name: 'GCE_METADATA_HOST', value: 'localhost:8080' }] };
    deepEqual(metadataEnv(container, hinted), { GCE_METADATA_IP: 'metadata.google.internal' });
  });
});
