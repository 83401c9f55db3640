import { ACCESS } from '../../apis/annotations/run/access.ts';
import { parseFlag } from '../../apis/annotations/values.ts';
import type { KubeObject } from '../../kube/types.ts';

const { key: INVOKER } = ACCESS.invoker;
const RESTRICTED = 'restricted';

/**
 * The service with the access that the platform decides on: one made through the Admin API is closed until somebody opens it
 * (Cloud Run, Allowing public access), and one that is there keeps what it has. To change it takes the right to change the
 * policy, which whoever may write the service need not have. Pure.
 * @param stored the service that is replaced; undefined for a new one.
 */
export function withInvoker<T extends Partial<KubeObject>>(service: T, stored?: KubeObject): T {
  const { [INVOKER]: _, ...others } = service.metadata?.annotations ?? {};
  const value = stored ? stored.metadata.annotations?.[INVOKER] : RESTRICTED;
  const annotations = value === undefined ? others : { ...others, [INVOKER]: value };
  return { ...service, metadata: { ...service.metadata, annotations } };
}

/**
 * Whether a write turns the check of callers off, or on again, which takes the right to set the policy too (Cloud Run,
 * Allowing public access: Required roles). Pure.
 * @param stored the service that is replaced; undefined for a new one.
 */
export function changesInvokerCheck(service: Partial<KubeObject>, stored?: KubeObject): boolean {
  const isOff = ({ metadata }: Partial<KubeObject> = {}) =>
    parseFlag(metadata?.annotations?.[ACCESS.invokerIamDisabled.key]) === true;
  return isOff(service) !== isOff(stored);
}
