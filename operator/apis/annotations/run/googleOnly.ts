import { type Annotation, INSTANCES, ignored, REVISION } from '../annotation.ts';
import { FLAG, isOff, JSON_OBJECTS, oneOf, wholeNumber } from '../values.ts';

const NETWORK = ignored('instances use the network of the cluster; restrict it with a NetworkPolicy');
const MESH = ignored('no mesh is set up; a mesh of the cluster works as for any pod');
const ENCRYPTION = ignored('the cluster decides how images and volumes are encrypted; the key is not used');

/** What only Google Cloud has: networks, databases, keys, identities and meshes. */
export const GOOGLE_ONLY = {
  cloudsqlInstances: {
    key: 'run.googleapis.com/cloudsql-instances',
    on: INSTANCES,
    effect: ignored(
      'no connection is made; connect by address, or run the Cloud SQL Auth Proxy as a second container',
    ),
  },
  vpcAccessConnector: { key: 'run.googleapis.com/vpc-access-connector', on: INSTANCES, effect: NETWORK },
  vpcAccessEgress: {
    key: 'run.googleapis.com/vpc-access-egress',
    on: INSTANCES,
    value: oneOf('private-ranges-only', 'all-traffic', 'all'),
    effect: NETWORK,
  },
  networkInterfaces: {
    key: 'run.googleapis.com/network-interfaces',
    on: INSTANCES,
    value: JSON_OBJECTS,
    effect: NETWORK,
  },
  encryptionKey: { key: 'run.googleapis.com/encryption-key', on: INSTANCES, effect: ENCRYPTION },
  encryptionKeyShutdownHours: {
    key: 'run.googleapis.com/encryption-key-shutdown-hours',
    on: INSTANCES,
    value: wholeNumber(1),
    effect: ENCRYPTION,
  },
  postKeyRevocationActionType: {
    key: 'run.googleapis.com/post-key-revocation-action-type',
    on: INSTANCES,
    value: oneOf('prevent-new', 'shut-down'),
    effect: ENCRYPTION,
  },
  secureSessionAgent: {
    key: 'run.googleapis.com/secure-session-agent',
    on: REVISION,
    effect: ignored('no agent is started'),
  },
  mesh: { key: 'run.googleapis.com/mesh', on: REVISION, effect: MESH },
  meshDataplane: {
    key: 'run.googleapis.com/mesh-dataplane',
    on: REVISION,
    value: oneOf('sidecar', 'proxyless-grpc'),
    effect: MESH,
  },
  identity: {
    key: 'run.googleapis.com/identity',
    on: REVISION,
    effect: ignored('the identity is that of spec.serviceAccountName'),
  },
  enableWorkloadCertificate: {
    key: 'run.googleapis.com/enable-workload-certificate',
    on: REVISION,
    value: FLAG,
    effect: ignored('instances get no certificate', isOff),
  },
} as const satisfies Record<string, Annotation>;
