import { isControlledBy } from '../../kube/owner.ts';
import { keyOf } from '../../kube/types.ts';
import { revisionsOfRoute, type Stores } from '../informers.ts';
import type { ConfigurationInput } from './plan.ts';

/** A configuration, its revisions, and which of them routes name; undefined when it is gone or going. */
export function observe(
  key: string,
  { configurations, revisions: all, routes }: Stores<'configurations' | 'revisions' | 'routes'>,
): ConfigurationInput | undefined {
  const configuration = configurations.get(key);
  if (!configuration || configuration.metadata.deletionTimestamp) return undefined;
  const { uid = '', namespace } = configuration.metadata;
  const name = configuration.spec.template.metadata?.name;
  const revisions = all.byIndex('configuration', key).filter((revision) => isControlledBy(revision, uid));
  const routed = revisions
    .flatMap((revision) => routes.byIndex('revision', keyOf(revision.metadata)))
    .flatMap(revisionsOfRoute)
    .map((revisionKey) => revisionKey.slice(revisionKey.indexOf('/') + 1));
  return {
    configuration,
    revisions,
    named: name ? all.get(`${namespace}/${name}`) : undefined,
    routed: new Set(routed),
  };
}
