import { randomBytes } from 'node:crypto';
import {
  AFFINITY_KEY_BYTES,
  AFFINITY_SECRET,
  affinityKeyOf,
  affinitySecret,
} from '../../gateway/control/affinityKey.ts';
import { Controller } from '../../kube/controller.ts';
import { SECRETS } from '../../kube/core.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import type { Context } from '../context.ts';
import type { Sources } from '../informers.ts';

/**
 * In the operator's own namespace: the key of the gateways' affinity cookies. The gateways do not make it themselves:
 * whoever may create Secrets there can have tokens of other accounts put into them.
 */
export const namespacePermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
  { apiGroups: [''], resources: ['secrets'], verbs: ['update'], resourceNames: [AFFINITY_SECRET] },
];

/** Makes the key that all gateways share, and another one when it was deleted or is too short. */
export function affinityKeyController({
  client,
  informers,
  identity,
  log,
}: Pick<Context, 'client' | 'identity' | 'log'> & { informers: Pick<Sources, 'affinityKeys'> }): Controller {
  const ref = { namespace: identity.namespace, name: AFFINITY_SECRET };
  const reconcile = async () => {
    const present = secrets.get(keyOf(ref));
    if (affinityKeyOf(present)) return;
    const secret = affinitySecret(ref, randomBytes(AFFINITY_KEY_BYTES), present);
    if (present) await client.replace(SECRETS, secret);
    else await client.create(SECRETS, secret);
    log.info({ secret: keyOf(ref) }, 'made a new key for affinity cookies');
  };
  const controller = new Controller({ name: 'affinity-key', reconcile, log });
  const secrets = controller.reads(informers.affinityKeys);
  // No event reports a Secret that has never been there.
  controller.enqueue(keyOf(ref));
  return controller.watch(informers.affinityKeys, () => [keyOf(ref)]);
}
