import {
  ADVICE,
  at,
  errorsOfEach,
  type FieldError,
  formatted,
  missing,
  mustBe,
  repeated,
  unsupported,
} from '../../fieldError.ts';
import { isQuantity, parseQuantity } from '../../quantity.ts';
import { validateDataKey, validateSecretName } from '../../secretRules.ts';
import type { Volume } from '../container/types.ts';
import { CLOUD_STORAGE_DRIVER } from '../instance/platform.ts';
import { VOLUME_KINDS } from './schema.ts';

/** Volume types that Cloud Run does not support. */
const KNATIVE_ONLY = ['configMap', 'projected', 'persistentVolumeClaim'] as const;

/** Validates the volumes of a revision or task. */
export function validateVolumes(volumes: readonly Volume[] | undefined, path: string): FieldError[] {
  const list = volumes ?? [];
  const names = list.map(({ name }) => name);
  return [
    ...repeated(names, path, 'name', 'the name of another volume; names must be unique'),
    ...errorsOfEach(list, (volume, i) => validateVolume(volume, at(path, i))),
  ];
}

function validateVolume(volume: Volume, path: string): FieldError[] {
  const kinds = VOLUME_KINDS.filter((kind) => volume[kind] !== undefined);
  if (kinds.length !== 1) {
    const has = kinds.length === 0 ? 'has no source' : `has ${kinds.join(' and ')}`;
    return [{ path, message: `${has}; it must have exactly one of ${VOLUME_KINDS.join(', ')}` }];
  }
  return [
    ...unsupported(volume, KNATIVE_ONLY, path),
    ...validateSecret(volume.secret, `${path}.secret`),
    ...validateNamed(volume.configMap, `${path}.configMap`),
    ...validateItems(volume.configMap?.items, `${path}.configMap.items`),
    ...validateMedium(volume.emptyDir?.medium, `${path}.emptyDir.medium`),
    ...validateSize(volume.emptyDir?.sizeLimit, `${path}.emptyDir.sizeLimit`),
    ...validateCsi(volume.csi, `${path}.csi`),
    ...validateNfs(volume.nfs, `${path}.nfs`),
    ...validateProjected(volume.projected, `${path}.projected`),
  ];
}

function validateSecret(secret: Volume['secret'], path: string): FieldError[] {
  if (!secret) return [];
  const { secretName } = secret;
  const where = `${path}.secretName`;
  const name = secretName ? validateSecretName(secretName, where) : [missing(where)];
  return [...name, ...validateItems(secret.items, `${path}.items`)];
}

function validateNamed(source: { name?: string } | undefined, path: string): FieldError[] {
  return source && !source.name ? [missing(`${path}.name`)] : [];
}

type Items = NonNullable<Volume['secret']>['items'];

/** Paths must stay below the mount (API reference, KeyToPath). */
function validateItems(items: Items, path: string): FieldError[] {
  return (items ?? []).flatMap((item, i) => {
    const where = at(path, i);
    const outside = item.path.startsWith('/') || item.path.split('/').includes('..');
    const key = item.key === '' ? [missing(`${where}.key`)] : validateDataKey(item.key, `${where}.key`);
    const form = 'a path below the volume, without a leading / and without ..';
    return outside ? [...key, mustBe(`${where}.path`, item.path, form)] : key;
  });
}

/** Only v2 of the API supports volumes on disk; a node supports them. */
function validateMedium(medium: string | undefined, path: string): FieldError[] {
  if (!medium || medium === 'Memory') return [];
  if (medium !== 'Disk') return [mustBe(path, medium, 'Memory or unset')];
  const here = 'only v2 of the API has Disk; here it is the disk of the node';
  return [mustBe(path, medium, `Memory or unset: ${here}`, ADVICE)];
}

function validateSize(size: string | number | undefined, path: string): FieldError[] {
  if (size === undefined || (isQuantity(size) && parseQuantity(size) > 0n)) return [];
  return [mustBe(path, size, 'a quantity above 0, such as 512Mi')];
}

function validateCsi(csi: Volume['csi'], path: string): FieldError[] {
  if (!csi) return [];
  const unknown = unsupported(csi, ['fsType', 'nodePublishSecretRef'], path);
  if (csi.driver !== CLOUD_STORAGE_DRIVER) {
    const message = `is ${formatted(csi.driver)}; Cloud Run supports only ${CLOUD_STORAGE_DRIVER}`;
    return [...unknown, { path: `${path}.driver`, value: csi.driver, message, strict: true }];
  }
  return csi.volumeAttributes?.bucketName
    ? unknown
    : [...unknown, missing(`${path}.volumeAttributes.bucketName`)];
}

function validateNfs(nfs: Volume['nfs'], path: string): FieldError[] {
  if (!nfs || nfs.path.startsWith('/')) return [];
  return [mustBe(`${path}.path`, nfs.path, 'an absolute path')];
}

function validateProjected(projected: Volume['projected'], path: string): FieldError[] {
  return (projected?.sources ?? []).flatMap((source, i) => {
    const where = at(`${path}.sources`, i);
    return [
      ...validateNamed(source.secret, `${where}.secret`),
      ...validateItems(source.secret?.items, `${where}.secret.items`),
      ...validateNamed(source.configMap, `${where}.configMap`),
      ...validateItems(source.configMap?.items, `${where}.configMap.items`),
    ];
  });
}
