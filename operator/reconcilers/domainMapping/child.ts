import type { Condition } from '../../apis/condition.ts';
import { DOMAIN_MAPPING_REASONS as REASONS } from '../../apis/domains/domainMapping/conditions.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { MAPPING_NAMESPACE } from '../../apis/labels.ts';
import { mappingChildName } from '../../apis/names.ts';
import type { UrlConfig } from '../../apis/url.ts';
import type { Config } from '../../config.ts';
import type { KubeError } from '../../kube/errors.ts';
import { NO_CHANGES, type Plan, type Removal, removalOf } from '../../kube/plan.ts';
import type { Store } from '../../kube/store.ts';
import { type KubeObject, keyOf, type ObjectMeta, type ResourceType } from '../../kube/types.ts';
import type { CertificateConfig } from './certManager.ts';

// What is made for the domain of a mapping in another namespace. No owner reference leads there, so a label says whose it is.

/** What is read of the configuration for domain mappings. */
export type DomainMappingConfig = UrlConfig & CertificateConfig & Pick<Config, 'gatewayApi'>;

/** A kind of object of which one is made for each domain. */
export interface ChildKind<T extends KubeObject> {
  type: ResourceType<T>;
  /** What serves the kind, as messages name it. */
  api: string;
  /** Where they are made; undefined when none are. */
  namespace: (config: DomainMappingConfig) => string | undefined;
  /** The domains that one is for. */
  hosts: (child: T) => readonly string[] | undefined;
  /** Reasons of the condition that says why there is none. */
  reasons: { unavailable: string; refused: string; notOwned: string; notReady: string };
}

/** What is known of the child of a kind. */
export interface ChildState<T extends KubeObject> {
  /** The object of the domain's name, whoever has made it. */
  found?: T;
  /** Why the kind's API cannot be used, as a sentence. */
  unavailable?: string;
  /** Why it could not be written, as the API server says it. */
  refused?: string;
}

/** Name, namespace and label of the child of a mapping. */
export function childMetadata({ metadata }: Pick<DomainMapping, 'metadata'>, namespace: string): ObjectMeta {
  const labels = { [MAPPING_NAMESPACE]: metadata.namespace ?? '' };
  return { name: mappingChildName(metadata.name), namespace, labels };
}

/** Key of the domain mapping that an object was made for; none for one that somebody else has made. */
export function mappingsOf<T extends KubeObject>({ hosts }: ChildKind<T>, child: T): string[] {
  const namespace = child.metadata.labels?.[MAPPING_NAMESPACE];
  const [host] = hosts(child) ?? [];
  return namespace && host ? [`${namespace}/${host}`] : [];
}

/** The object of a domain's name, whoever has made it. */
export function childAt<T extends KubeObject>(
  kind: ChildKind<T>,
  host: string,
  store: Store<T>,
  config: DomainMappingConfig,
): T | undefined {
  const namespace = kind.namespace(config);
  return namespace === undefined ? undefined : store.get(keyOf({ namespace, name: mappingChildName(host) }));
}

/** Why the API of a kind cannot be used, as a sentence. */
export function whyUnavailable(
  { api }: Pick<ChildKind<never>, 'api'>,
  error: KubeError | undefined,
): string | undefined {
  if (!error) return undefined;
  if (error.code === 'KUBE_NOT_FOUND') return `${api} is not installed in this cluster`;
  return `${api} cannot be used: ${error.said}`;
}

/** The object that was made for a mapping that is gone. */
export function orphaned<T extends KubeObject>(
  kind: ChildKind<T>,
  key: string,
  found: T | undefined,
): Removal[] {
  return found && mappingsOf(kind, found).includes(key) ? [removalOf(kind.type, found)] : [];
}

/**
 * What to do about the child of a mapping. It is made once the status says that the mapping has its domain, so that of two
 * that claim one domain the same has both. It stays while the service is missing, and goes when the domain is another's.
 * @param desired undefined when the mapping is to have none.
 */
export function planChild<T extends KubeObject>(
  kind: ChildKind<T>,
  mapping: DomainMapping,
  { found, unavailable }: ChildState<T>,
  routable: Condition,
  desired: T | undefined,
): Plan {
  if (unavailable !== undefined) return NO_CHANGES;
  const isLost = routable.reason === REASONS.hostTaken || routable.reason === REASONS.hostReserved;
  if (!desired || isLost) return { ...NO_CHANGES, remove: orphaned(kind, keyOf(mapping.metadata), found) };
  const hasDomain = routable.status === 'True' && mapping.status?.mappedRouteName !== undefined;
  if (!hasDomain || isForeign(found)) return NO_CHANGES;
  return { ...NO_CHANGES, apply: [desired] };
}

/** What a condition says of a child. */
export type Finding = Pick<Condition, 'status' | 'reason'> & { why: string };

/**
 * Why a mapping does not have its child as it should be; undefined when it has.
 * @param judge what is wrong with one that was made for the mapping.
 */
export function findingOf<T extends KubeObject>(
  kind: ChildKind<T>,
  { metadata }: DomainMapping,
  { found, unavailable, refused }: ChildState<T>,
  config: DomainMappingConfig,
  judge: (found: T) => Finding | undefined,
): Finding | undefined {
  const { reasons } = kind;
  if (unavailable !== undefined) return { status: 'False', reason: reasons.unavailable, why: unavailable };
  const what = childText(kind, metadata.name, config);
  if (isForeign(found)) {
    return {
      status: 'False',
      reason: reasons.notOwned,
      why: `${what} exists and was made for something else`,
    };
  }
  if (refused !== undefined) {
    return { status: 'False', reason: reasons.refused, why: `the cluster refuses ${what}: ${refused}` };
  }
  if (found && mappingsOf(kind, found).includes(keyOf(metadata))) return judge(found);
  const why = `${what} is made when the domain leads to the service`;
  return { status: 'Unknown', reason: reasons.notReady, why };
}

/** How messages name the child for a domain. */
export function childText<T extends KubeObject>(
  { type, namespace }: ChildKind<T>,
  host: string,
  config: DomainMappingConfig,
): string {
  return `${type.kind} '${mappingChildName(host)}' in namespace '${namespace(config)}'`;
}

/** One line that ends in a full stop. */
export function sentence(text: string): string {
  return `${text.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '')}.`;
}

/** Whether somebody else has made the object: it is neither changed nor removed. */
function isForeign(found: KubeObject | undefined): boolean {
  return found !== undefined && found.metadata.labels?.[MAPPING_NAMESPACE] === undefined;
}
