import type { Volume } from '../container/types.ts';

/** Mode bits of the files of a secret (API reference, SecretVolumeSource: defaultMode; 0 counts as unset). */
const SECRET_MODE = 0o444;
/** Mode bits of the files of a ConfigMap (API reference, ConfigMapVolumeSource: defaultMode). */
const CONFIG_MODE = 0o644;

/** A volume with its defaults set. Pure and idempotent. */
export function defaultVolume(volume: Volume): Volume {
  const { secret, configMap, projected } = volume;
  if (secret) return { ...volume, secret: { ...secret, defaultMode: secret.defaultMode || SECRET_MODE } };
  if (configMap)
    return { ...volume, configMap: { ...configMap, defaultMode: configMap.defaultMode || CONFIG_MODE } };
  if (projected)
    return { ...volume, projected: { ...projected, defaultMode: projected.defaultMode || CONFIG_MODE } };
  return volume;
}
