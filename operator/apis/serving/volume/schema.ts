import { Type } from 'typebox';
import { RUN } from '../../annotations/run.ts';
import {
  flag,
  int32,
  int64,
  list,
  object,
  optionalObject,
  quantity,
  requiredText,
  rules,
  text,
  textMap,
} from '../../schema.ts';
import { DATA_KEY } from '../../secretRules.ts';
import { downwardFields } from '../container/schema.ts';

const MODE = 0o777;

const KeyToPath = Type.Object({
  key: requiredText(253, 'Key, or version of a Cloud Run secret (latest, a number, an alias).', {
    pattern: DATA_KEY,
  }),
  path: requiredText(1024, 'Relative path of the file; may contain / but not ..', { minLength: 1 }),
  mode: int32(0, MODE, 'Mode bits of the file, 0 to 0777; the default mode when unset.'),
});

const items = () => list(KeyToPath, 100, 'Keys to project, and their file names.');
const optional = () => flag('Whether the volume may be empty when the source is missing.');
const defaultMode = (usual: string) =>
  int32(0, MODE, `Mode bits of the files, 0 to 0777; ${usual} when unset.`);
const name = (what: string) => text(253, `Name of the ${what} in the namespace.`);

const Projection = Type.Object(
  {
    configMap: optionalObject('Keys of a ConfigMap.', {
      name: name('ConfigMap'),
      items: items(),
      optional: optional(),
    }),
    secret: optionalObject('Keys of a Secret.', {
      name: name('Secret'),
      items: items(),
      optional: optional(),
    }),
    serviceAccountToken: optionalObject('A token of the service account.', {
      audience: text(1024, 'Audience of the token; the API server when unset.'),
      expirationSeconds: int64(600, 2 ** 32, 'Lifetime of the token in seconds.'),
      path: requiredText(1024, 'File name of the token.', { minLength: 1 }),
    }),
    downwardAPI: optionalObject('Fields of the pod.', {
      items: list(
        Type.Object({
          path: requiredText(1024, 'File name.', { minLength: 1 }),
          mode: int32(0, MODE, 'Mode bits of the file.'),
          ...downwardFields(),
        }),
        50,
        'Files to create.',
      ),
    }),
  },
  rules({
    rule: '[has(self.configMap), has(self.secret), has(self.serviceAccountToken), has(self.downwardAPI)].filter(s, s).size() == 1',
    message: 'a projected source needs exactly one of secret, configMap, serviceAccountToken, downwardAPI',
  }),
);

/** The kinds of volume: Cloud Run's four, then those that only Knative Serving has. */
export const VOLUME_KINDS = [
  'secret',
  'emptyDir',
  'csi',
  'nfs',
  'configMap',
  'projected',
  'persistentVolumeClaim',
] as const;

/** A volume, which containers mount by name. */
export const VolumeSchema = object(
  'A volume that containers may mount.',
  {
    name: requiredText(63, 'Name of the volume.', { minLength: 1 }),
    secret: optionalObject('Versions of a secret as files.', {
      secretName: text(253, `Name of the secret, or an alias of annotation ${RUN.secrets}.`),
      items: items(),
      defaultMode: defaultMode('0444'),
      optional: optional(),
    }),
    emptyDir: optionalObject('A directory in memory, or on disk, that the containers of an instance share.', {
      medium: text(64, 'Memory (default), or Disk for the disk of the node.', {
        pattern: '^(Memory|Disk|)$',
      }),
      sizeLimit: Type.Optional(
        quantity('Maximum size of the volume; half of the memory of all containers when unset.'),
      ),
    }),
    csi: optionalObject('A volume that a CSI driver mounts, such as a Cloud Storage bucket.', {
      driver: requiredText(253, 'Name of the CSI driver, gcsfuse.run.googleapis.com for Cloud Storage.', {
        minLength: 1,
      }),
      fsType: text(64, 'File system to mount. Not supported by Cloud Run.'),
      readOnly: flag('Whether to mount it read-only.'),
      volumeAttributes: textMap(50, 'Attributes of the driver, such as bucketName.'),
      nodePublishSecretRef: optionalObject('Secret for the driver. Not supported by Cloud Run.', {
        name: name('Secret'),
      }),
    }),
    nfs: optionalObject('A directory of an NFS server.', {
      server: requiredText(253, 'Host name or address of the server.', { minLength: 1 }),
      path: requiredText(4096, 'Path exported by the server.', { minLength: 1 }),
      readOnly: flag('Whether to mount it read-only.'),
    }),
    configMap: optionalObject('Keys of a ConfigMap as files. Not supported by Cloud Run.', {
      name: name('ConfigMap'),
      items: items(),
      defaultMode: defaultMode('0644'),
      optional: optional(),
    }),
    projected: optionalObject('Several sources in one directory. Not supported by Cloud Run.', {
      defaultMode: defaultMode('0644'),
      sources: list(Projection, 20, 'Sources to project into one directory.'),
    }),
    persistentVolumeClaim: optionalObject('A persistent volume claim. Not supported by Cloud Run.', {
      claimName: requiredText(253, 'Name of the claim in the namespace.', { minLength: 1 }),
      readOnly: flag('Whether to mount it read-only.'),
    }),
  },
  rules({
    rule: `[${VOLUME_KINDS.map((kind) => `has(self.${kind})`).join(', ')}].filter(k, k).size() == 1`,
    message: `a volume needs exactly one of ${VOLUME_KINDS.join(', ')}`,
  }),
);
