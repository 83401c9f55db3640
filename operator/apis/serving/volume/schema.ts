import { Type } from 'typebox';
import { RUN } from '../../annotations/run.ts';
import { flag, int32, int64, list, quantity, rules, text, textMap } from '../../schema.ts';
import { DATA_KEY } from '../../secretRules.ts';

const MODE = 0o777;

const KeyToPath = Type.Object({
  key: Type.String({
    description: 'Key, or version of a Cloud Run secret (latest, a number, an alias).',
    maxLength: 253,
    pattern: DATA_KEY,
  }),
  path: Type.String({
    description: 'Relative path of the file; may contain / but not ..',
    minLength: 1,
    maxLength: 1024,
  }),
  mode: int32(0, MODE, { description: 'Mode bits of the file, 0 to 0777; the default mode when unset.' }),
});

const items = () => list(KeyToPath, 100, { description: 'Keys to project, and their file names.' });
const optional = () => flag('Whether the volume may be empty when the source is missing.');
const defaultMode = (usual: string) =>
  int32(0, MODE, { description: `Mode bits of the files, 0 to 0777; ${usual} when unset.` });
const name = (what: string) => text(253, { description: `Name of the ${what} in the namespace.` });

const Projection = Type.Object(
  {
    configMap: Type.Optional(
      Type.Object(
        { name: name('ConfigMap'), items: items(), optional: optional() },
        { description: 'Keys of a ConfigMap.' },
      ),
    ),
    secret: Type.Optional(
      Type.Object(
        { name: name('Secret'), items: items(), optional: optional() },
        { description: 'Keys of a Secret.' },
      ),
    ),
    serviceAccountToken: Type.Optional(
      Type.Object(
        {
          audience: text(1024, { description: 'Audience of the token; the API server when unset.' }),
          expirationSeconds: int64(600, 2 ** 32, { description: 'Lifetime of the token in seconds.' }),
          path: Type.String({ description: 'File name of the token.', minLength: 1, maxLength: 1024 }),
        },
        { description: 'A token of the service account.' },
      ),
    ),
    downwardAPI: Type.Optional(
      Type.Object(
        {
          items: list(
            Type.Object({
              path: Type.String({ description: 'File name.', minLength: 1, maxLength: 1024 }),
              mode: int32(0, MODE, { description: 'Mode bits of the file.' }),
              fieldRef: Type.Optional(
                Type.Object(
                  {
                    apiVersion: text(64, { description: 'API version of the field path.' }),
                    fieldPath: Type.String({ description: 'Path of the field.', maxLength: 1024 }),
                  },
                  { description: 'A field of the pod.' },
                ),
              ),
              resourceFieldRef: Type.Optional(
                Type.Object(
                  {
                    containerName: text(63, { description: 'Name of the container.' }),
                    divisor: Type.Optional(quantity({ description: 'Unit of the value.' })),
                    resource: Type.String({ description: 'Resource name.', maxLength: 253 }),
                  },
                  { description: 'A resource of a container.' },
                ),
              ),
            }),
            50,
            { description: 'Files to create.' },
          ),
        },
        { description: 'Fields of the pod.' },
      ),
    ),
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
export const VolumeSchema = Type.Object(
  {
    name: Type.String({ description: 'Name of the volume.', minLength: 1, maxLength: 63 }),
    secret: Type.Optional(
      Type.Object(
        {
          secretName: text(253, {
            description: `Name of the secret, or an alias of annotation ${RUN.secrets}.`,
          }),
          items: items(),
          defaultMode: defaultMode('0444'),
          optional: optional(),
        },
        { description: 'Versions of a secret as files.' },
      ),
    ),
    emptyDir: Type.Optional(
      Type.Object(
        {
          medium: text(64, {
            description: 'Memory (default), or Disk for the disk of the node.',
            pattern: '^(Memory|Disk|)$',
          }),
          sizeLimit: Type.Optional(
            quantity({
              description: 'Maximum size of the volume; half of the memory of all containers when unset.',
            }),
          ),
        },
        { description: 'A directory in memory, or on disk, that the containers of an instance share.' },
      ),
    ),
    csi: Type.Optional(
      Type.Object(
        {
          driver: Type.String({
            description: 'Name of the CSI driver, gcsfuse.run.googleapis.com for Cloud Storage.',
            minLength: 1,
            maxLength: 253,
          }),
          fsType: text(64, { description: 'File system to mount. Not supported by Cloud Run.' }),
          readOnly: flag('Whether to mount it read-only.'),
          volumeAttributes: textMap(50, { description: 'Attributes of the driver, such as bucketName.' }),
          nodePublishSecretRef: Type.Optional(
            Type.Object(
              { name: name('Secret') },
              { description: 'Secret for the driver. Not supported by Cloud Run.' },
            ),
          ),
        },
        { description: 'A volume that a CSI driver mounts, such as a Cloud Storage bucket.' },
      ),
    ),
    nfs: Type.Optional(
      Type.Object(
        {
          server: Type.String({
            description: 'Host name or address of the server.',
            minLength: 1,
            maxLength: 253,
          }),
          path: Type.String({ description: 'Path exported by the server.', minLength: 1, maxLength: 4096 }),
          readOnly: flag('Whether to mount it read-only.'),
        },
        { description: 'A directory of an NFS server.' },
      ),
    ),
    configMap: Type.Optional(
      Type.Object(
        { name: name('ConfigMap'), items: items(), defaultMode: defaultMode('0644'), optional: optional() },
        { description: 'Keys of a ConfigMap as files. Not supported by Cloud Run.' },
      ),
    ),
    projected: Type.Optional(
      Type.Object(
        {
          defaultMode: defaultMode('0644'),
          sources: list(Projection, 20, { description: 'Sources to project into one directory.' }),
        },
        { description: 'Several sources in one directory. Not supported by Cloud Run.' },
      ),
    ),
    persistentVolumeClaim: Type.Optional(
      Type.Object(
        {
          claimName: Type.String({
            description: 'Name of the claim in the namespace.',
            minLength: 1,
            maxLength: 253,
          }),
          readOnly: flag('Whether to mount it read-only.'),
        },
        { description: 'A persistent volume claim. Not supported by Cloud Run.' },
      ),
    ),
  },
  {
    description: 'A volume that containers may mount.',
    ...rules({
      rule: `[${VOLUME_KINDS.map((kind) => `has(self.${kind})`).join(', ')}].filter(k, k).size() == 1`,
      message: `a volume needs exactly one of ${VOLUME_KINDS.join(', ')}`,
    }),
  },
);
