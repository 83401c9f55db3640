import type { Config } from './config.ts';

/** A field of the configuration, or one of a section's: `gateway.threads`. */
type FieldPath = { [K in keyof Config]: K | `${K}.${keyof Config[K] & string}` }[keyof Config];

/**
 * What each role reads of the configuration. The chart gives it no more than that, so that a change restarts the roles
 * that it concerns and no other: a gateway takes ten minutes to drain.
 */
export const ROLE_FIELDS = {
  controller: [
    'logLevel',
    'adminPort',
    'domain',
    'urlTemplate',
    'urlScheme',
    'clusterDomain',
    'namespaces',
    'serviceAccounts',
    'gateway.internalService',
    'gateway.certificates',
    'gateway.tracing',
    'gatewayApi',
    'metadata.enabled',
    'metadata.service',
    'metadata.linkLocal',
    'metadata.region',
    'build.registry',
    'autoscaler',
    'instance',
    'source',
    'jobs',
    'startup',
    'registry',
    'traffic',
    'revisionHistory',
  ],
  webhook: ['logLevel', 'adminPort', 'strict', 'webhook', 'instance.baseImages'],
  gateway: [
    'logLevel',
    'adminPort',
    'domain',
    'urlTemplate',
    'clusterDomain',
    'namespaces',
    'gateway.port',
    'gateway.internalPort',
    'gateway.tlsPort',
    'gateway.tls',
    'gateway.gatewayPort',
    'gateway.threads',
    'gateway.drainSeconds',
    'gateway.limits',
    'gateway.accessLog',
    'gateway.tracing',
    'invoker',
    'autoscaler.tickSeconds',
    'autoscaler.idleCpuHoldSeconds',
    'startup.limitSeconds',
  ],
  metadata: [
    'logLevel',
    'adminPort',
    'serviceAccounts',
    'metadata.service',
    'metadata.port',
    'metadata.region',
    'metadata.projectId',
    'metadata.projectNumbers',
    'metadata.linkLocal',
    'metadata.workloadIdentity',
  ],
  node: ['logLevel', 'adminPort', 'namespaces', 'node'],
  api: [
    'logLevel',
    'adminPort',
    'namespaces',
    'clusterDomain',
    'serviceAccounts',
    'api',
    'build',
    'source',
    'registry.insecure',
    'metadata.region',
    'metadata.projectId',
    'metadata.projectNumbers',
  ],
} as const satisfies Record<string, readonly FieldPath[]>;

/** A role of the program: `homerun ROLE`. */
export type Role = keyof typeof ROLE_FIELDS;

/** The part of the configuration that a role reads; what it does not name cannot be read there. */
export type RoleConfig<R extends Role> = AllOf<PartAt<Config, (typeof ROLE_FIELDS)[R][number]>>;

type PartAt<T, P extends string> = P extends `${infer K extends keyof T & string}.${infer Rest}`
  ? { [key in K]: PartAt<T[K], Rest> }
  : { [key in P & keyof T]: T[key] };

/** All of these types at once, where a union is one of them. */
type AllOf<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void ? I : never;
