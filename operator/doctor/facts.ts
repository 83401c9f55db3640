/** What was found, or in one sentence why it is not known. */
export type Found<T> = { found: T } | { unknown: string };

/** What an installation is like at one moment; {@link diagnose} judges it. */
export interface Facts {
  /** Of Homerun: that of the program that asks. */
  version: string;
  /** The operator's own namespace. */
  namespace: string;
  /** When all this was so, in milliseconds since 1970. */
  now: number;
  apiServer: Found<ApiServerFacts>;
  /** What the configuration asks for. */
  wanted: Found<WantedFacts>;
  definitions: Found<DefinitionFacts[]>;
  webhook: WebhookFacts;
  lease: Found<LeaseFacts | undefined>;
  /** Deployments and DaemonSets of the roles. */
  workloads: Found<WorkloadFacts[]>;
  gateways: Found<GatewayFacts>;
  runtimeClasses: Found<RuntimeClassFacts[]>;
  /** Of the kinds that people write. */
  objects: Found<KindFacts[]>;
}

export interface ApiServerFacts {
  /** As `kubectl version` shows it. */
  version: string;
  /** Median time of a small request, in milliseconds. */
  latencyMs: number;
}

export interface WantedFacts {
  metadata: boolean;
}

export interface DefinitionFacts {
  /** `services.serving.knative.dev`. */
  name: string;
  state: 'as declared' | 'different' | 'missing';
}

export interface WebhookFacts {
  configurations: Found<ConfigurationFacts[]>;
  /** How the API server's call of the webhook ended: undefined when it was answered, else what it said. */
  call: Found<string | undefined>;
  certificate: Found<CertificateFacts>;
}

export interface ConfigurationFacts {
  kind: string;
  name: string;
  /** Whether objects are admitted without it. */
  optional: boolean;
  exists: boolean;
  /** Whether each of its webhooks has the authorities to trust. */
  hasAuthorities: boolean;
}

export interface CertificateFacts {
  /** Milliseconds since 1970. */
  expiresAt: number;
  /** Whether API servers trust it, by the webhook configurations. */
  trusted: boolean;
}

export interface LeaseFacts {
  /** Name of the pod; empty when it was given back. */
  holder: string;
  /** Milliseconds since 1970, by the clock of the holder; undefined where it says none. */
  renewedAt: number | undefined;
  seconds: number;
}

export interface WorkloadFacts {
  role: string;
  wanted: number;
  ready: number;
  /** Those of the newest template. */
  updated: number;
}

export interface GatewayFacts {
  /** How many routes there are: the least and the most while the gateways were asked. */
  routes: { least: number; most: number };
  /** How many of them each gateway knows, by its pod. */
  known: Record<string, Found<number>>;
}

export interface RuntimeClassFacts {
  /** `gen1` or `gen2`. */
  environment: string;
  name: string;
  exists: boolean;
}

export interface KindFacts {
  kind: string;
  /** As kubectl takes it: `services.serving.knative.dev`. */
  resource: string;
  total: number;
  notReady: ReasonFacts[];
}

/** The objects that are not ready for one reason. */
export interface ReasonFacts {
  reason: string;
  count: number;
  /** One of them: `namespace/name`. */
  example: string;
}
