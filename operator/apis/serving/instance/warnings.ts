import { at } from '../../fieldError.ts';
import type { Warning } from '../../kind.ts';
import type { TemplateSpec } from '../revision/types.ts';
import { BASE_IMAGE_RUNTIME, CLOUD_STORAGE_DRIVER } from './platform.ts';
import { followedBaseImage } from './source.ts';

/** The fields of an instance or a task that a cluster may handle differently. */
type Instance = Partial<Pick<TemplateSpec, 'volumes' | 'runtimeClassName' | 'containers'>>;

/**
 * How a cluster handles an instance or a task differently from Cloud Run.
 * @param path the path of its spec.
 * @param annotations those beside the spec.
 */
export function instanceWarnings(
  { volumes = [], runtimeClassName, containers = [] }: Instance = {},
  path: string,
  annotations?: Record<string, string>,
): Warning[] {
  const found: Warning[] = volumes.flatMap(({ csi }, index) => {
    if (csi?.driver !== CLOUD_STORAGE_DRIVER) return [];
    const message = `needs the CSI driver gcsfuse.csi.storage.gke.io in the cluster; without it no instance starts`;
    return [{ path: `${at(`${path}.volumes`, index)}.csi.driver`, message }];
  });
  const follows = followedBaseImage(annotations, { containers, runtimeClassName });
  if (runtimeClassName === BASE_IMAGE_RUNTIME && !follows) {
    const message = 'has no effect on an image that was built: only the base image of a source is updated';
    found.push({ path: `${path}.runtimeClassName`, message });
  }
  return found;
}
