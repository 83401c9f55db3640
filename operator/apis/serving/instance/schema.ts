import { type TSchema, Type } from 'typebox';
import { type CelRule, keyed, list, text, textMap } from '../../schema.ts';
import { MAX_CONTAINERS } from '../container/schema.ts';
import { VolumeSchema } from '../volume/schema.ts';
import { ACCELERATOR } from './platform.ts';

/** A Kubernetes name, or the e-mail address of a Google service account. */
export const SERVICE_ACCOUNT =
  '[a-z0-9]([-a-z0-9.]*[a-z0-9])?(@([a-z0-9]([-a-z0-9]*[a-z0-9])?\\.)+gserviceaccount\\.com)?';

/** Container names are unique. */
export const CONTAINER_NAMES: CelRule = {
  rule: "self.containers.all(c, !has(c.name) || c.name == '' || self.containers.exists_one(o, has(o.name) && o.name == c.name))",
  message: 'container names must be unique',
  fieldPath: '.containers',
};

/** Mounted volumes exist. */
export const MOUNTED_VOLUMES: CelRule = {
  rule: 'self.containers.all(c, !has(c.volumeMounts) || c.volumeMounts.all(m, has(self.volumes) && self.volumes.exists(v, v.name == m.name)))',
  message: 'each volume mount must name a volume of spec.volumes',
  fieldPath: '.containers',
};

/** Fields that instances of services, jobs and worker pools have in common. */
export function instanceFields<T extends TSchema>(container: T, description: string) {
  return {
    containers: Type.Array(container, {
      description,
      minItems: 1,
      maxItems: MAX_CONTAINERS,
      'x-kubernetes-list-type': 'atomic',
    }),
    volumes: list(VolumeSchema, 50, 'Volumes that containers may mount.', keyed('name')),
    serviceAccountName: text(253, 'Service account of the instances: a name or an e-mail address.', {
      pattern: `^(${SERVICE_ACCOUNT})?$`,
    }),
    nodeSelector: textMap(20, `Labels of the nodes to run on; ${ACCELERATOR} is the type of GPU.`, {
      'x-kubernetes-map-type': 'atomic',
    }),
  };
}
