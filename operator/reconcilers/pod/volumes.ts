import type { Volume } from '../../apis/serving/container/types.ts';
import type { Pod } from '../../kube/core.ts';
import { kubernetesSecret } from './secrets.ts';

type PodVolume = NonNullable<NonNullable<Pod['spec']>['volumes']>[number];

/** The CSI driver that Cloud Run's YAML names for Cloud Storage, and the one that clusters install. */
const CLOUD_STORAGE_DRIVERS: Record<string, string> = {
  'gcsfuse.run.googleapis.com': 'gcsfuse.csi.storage.gke.io',
};

/** A secret's files are readable by all and writable by none (API reference, SecretVolumeSource). */
const SECRET_MODE = 0o444;

/**
 * A volume of the pod. Scratch space is memory unless it asks for a disk, as on Cloud Run, where what is written there
 * counts as the instance's memory (container contract, File system access).
 */
export function podVolume(volume: Volume, aliases: ReadonlyMap<string, string>): PodVolume {
  const { name } = volume;
  if (volume.secret) {
    const { secretName: secret = '', items, defaultMode, optional } = volume.secret;
    const secretName = kubernetesSecret(secret, aliases);
    return {
      name,
      secret: { secretName, items, defaultMode: defaultMode ?? SECRET_MODE, optional },
    } as PodVolume;
  }
  if (volume.emptyDir) {
    const { medium, sizeLimit } = volume.emptyDir;
    return {
      name,
      emptyDir: {
        ...(medium === 'Disk' ? {} : { medium: 'Memory' }),
        ...(sizeLimit === undefined ? {} : { sizeLimit }),
      },
    } as PodVolume;
  }
  if (volume.csi) {
    const { driver } = volume.csi;
    return { name, csi: { ...volume.csi, driver: CLOUD_STORAGE_DRIVERS[driver] ?? driver } } as PodVolume;
  }
  return volume as PodVolume;
}
