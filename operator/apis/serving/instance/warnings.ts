import { at } from '../../fieldError.ts';
import type { Warning } from '../../kind.ts';
import type { TemplateSpec } from '../revision/types.ts';
import { BASE_IMAGE_RUNTIME, CLOUD_STORAGE_DRIVER } from './platform.ts';

/** The fields of an instance or a task that a cluster may handle differently. */
type Instance = Partial<Pick<TemplateSpec, 'volumes' | 'runtimeClassName'>>;

/** How a cluster handles an instance or a task differently from Cloud Run; `path` is the path of its spec. */
export function instanceWarnings({ volumes = [], runtimeClassName }: Instance = {}, path: string): Warning[] {
  const found: Warning[] = volumes.flatMap(({ csi }, index) => {
    if (csi?.driver !== CLOUD_STORAGE_DRIVER) return [];
    const message = `needs the CSI driver gcsfuse.csi.storage.gke.io in the cluster; without it no instance starts`;
    return [{ path: `${at(`${path}.volumes`, index)}.csi.driver`, message }];
  });
  if (runtimeClassName === BASE_IMAGE_RUNTIME) {
    const message = 'has no effect in a cluster: the base image is not updated';
    found.push({ path: `${path}.runtimeClassName`, message });
  }
  return found;
}
