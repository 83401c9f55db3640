// Every series of the product is declared in the folder beside this file, and imported from here. Label sets are
// bounded: never an object's name, unless the series is removed with the object.

export * from './metrics/api.ts';
export * from './metrics/gateway.ts';
export * from './metrics/gatewayCertificates.ts';
export * from './metrics/gatewayDurations.ts';
export * from './metrics/gatewayUsage.ts';
export * from './metrics/instances.ts';
export * from './metrics/issuers.ts';
export * from './metrics/jobs.ts';
export * from './metrics/kube.ts';
export * from './metrics/metadata.ts';
export * from './metrics/node.ts';
export * from './metrics/process.ts';
export { registry } from './metrics/registry.ts';
export * from './metrics/scaling.ts';
export * from './metrics/threads.ts';
export * from './metrics/webhook.ts';
