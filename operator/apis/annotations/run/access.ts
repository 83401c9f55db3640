import { type Annotation, honoured, ignored, SERVICE, stored } from '../annotation.ts';
import { FLAG, isOff, JSON_STRINGS, oneOf } from '../values.ts';

/** Who reaches a service, and at which addresses. */
export const ACCESS = {
  ingress: {
    key: 'run.googleapis.com/ingress',
    on: SERVICE,
    value: oneOf('all', 'internal', 'internal-and-cloud-load-balancing', 'none'),
    effect: honoured(
      'internal requests are those that arrive at the Service homerun-gateway-internal; point your own load balancer at it',
    ),
  },
  ingressStatus: {
    key: 'run.googleapis.com/ingress-status',
    on: SERVICE,
    effect: stored(),
    notInheritedBy: ['child'],
  },
  urls: { key: 'run.googleapis.com/urls', on: SERVICE, effect: stored(), notInheritedBy: ['child'] },
  invokerIamDisabled: {
    key: 'run.googleapis.com/invoker-iam-disabled',
    on: SERVICE,
    value: FLAG,
    effect: ignored('callers are never checked', (value) => !isOff(value)),
  },
  // Homerun's own: Cloud Run has no other services than such.
  invoker: {
    key: 'homerun.dev/invoker',
    on: SERVICE,
    value: oneOf('restricted'),
    effect: honoured(
      'only members of the role Cloud Run Invoker may call the service, whatever the chart value invoker.default is',
    ),
  },
  defaultUrlDisabled: {
    key: 'run.googleapis.com/default-url-disabled',
    on: SERVICE,
    value: FLAG,
    effect: honoured('the service answers only to its name inside the cluster, which status.url shows'),
  },
  iapEnabled: {
    key: 'run.googleapis.com/iap-enabled',
    on: SERVICE,
    value: FLAG,
    effect: ignored('there is no Identity-Aware Proxy; put one in front of the gateway', isOff),
  },
  customAudiences: {
    key: 'run.googleapis.com/custom-audiences',
    on: SERVICE,
    value: JSON_STRINGS,
    effect: ignored('tokens of callers are not verified'),
  },
  regions: {
    key: 'run.googleapis.com/regions',
    on: SERVICE,
    effect: ignored('the service runs in this cluster only'),
  },
  gclbDomainName: {
    key: 'runapps.googleapis.com/gclb-domain-name',
    on: SERVICE,
    effect: ignored('no load balancer is created; point the domain at the gateway'),
  },
} as const satisfies Record<string, Annotation>;
