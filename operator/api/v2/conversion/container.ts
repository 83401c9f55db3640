import { CLOUD_STORAGE_DRIVER } from '../../../apis/serving/instance/platform.ts';
import { field, type Lens, list, nested } from './lens.ts';
import { SECRET } from './secret.ts';
import { LIST, PORT, PRESENT, QUANTITY, TEXTS } from './value.ts';

const same = (...names: string[]): Lens[] => names.map((name) => field(name, [name]));

/** An environment variable; also of an override. */
export const ENV: readonly Lens[] = [
  ...same('name'),
  field('value', ['value'], PRESENT),
  nested(
    'valueSource',
    ['valueFrom'],
    nested('secretKeyRef', ['secretKeyRef'], field('secret', ['name'], SECRET), field('version', ['key'])),
  ),
];

const probe = (name: string): Lens =>
  nested(
    name,
    [name],
    ...same('initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'failureThreshold'),
    nested(
      'httpGet',
      ['httpGet'],
      ...same('path'),
      list('httpHeaders', ['httpHeaders'], undefined, ...same('name', 'value')),
      field('port', ['port'], PORT),
    ),
    nested('tcpSocket', ['tcpSocket'], field('port', ['port'], PORT)),
    nested('grpc', ['grpc'], field('port', ['port'], PORT), ...same('service')),
  );

/** A container, without what stands in annotations of its template (instance.ts). */
export const CONTAINER: readonly Lens[] = [
  ...same('name', 'image', 'workingDir'),
  field('command', ['command'], LIST),
  field('args', ['args'], LIST),
  list('env', ['env'], 'name', ...ENV),
  nested('resources', ['resources'], field('limits', ['limits'], TEXTS)),
  list('ports', ['ports'], undefined, ...same('name', 'containerPort')),
  list('volumeMounts', ['volumeMounts'], undefined, ...same('name', 'mountPath', 'subPath')),
  probe('livenessProbe'),
  probe('startupProbe'),
  probe('readinessProbe'),
];

const GCS_FIELDS = nested(
  'gcs',
  ['csi'],
  field('bucket', ['volumeAttributes', 'bucketName']),
  field('readOnly', ['readOnly']),
  field('mountOptions', ['volumeAttributes', 'mountOptions'], {
    read: (stored) => (typeof stored === 'string' && stored !== '' ? stored.split(',') : undefined),
    write: (value) => (value as string[]).join(','),
  }),
);

/** A bucket; the volumes of other drivers have no field in v2. */
const GCS: Lens = {
  fields: GCS_FIELDS.fields,
  locate: (path) => GCS_FIELDS.locate?.(path),
  read(stored, message, context) {
    if ((stored.csi as { driver?: string } | undefined)?.driver === CLOUD_STORAGE_DRIVER)
      GCS_FIELDS.read(stored, message, context);
  },
  write(message, stored, context, path) {
    const driver = (stored.csi as { driver?: string } | undefined)?.driver;
    if (!message.gcs && driver !== CLOUD_STORAGE_DRIVER) return;
    GCS_FIELDS.write?.(message, stored, context, path);
    if (message.gcs) stored.csi = { ...(stored.csi as object), driver: CLOUD_STORAGE_DRIVER };
  },
};

/** A volume; those of Cloud SQL stand in an annotation (cloudSql.ts). */
export const VOLUME: readonly Lens[] = [
  field('name', ['name']),
  nested(
    'secret',
    ['secret'],
    field('secret', ['secretName'], SECRET),
    list('items', ['items'], undefined, ...same('path', 'mode'), field('version', ['key'])),
    field('defaultMode', ['defaultMode']),
  ),
  nested(
    'emptyDir',
    ['emptyDir'],
    field('medium', ['medium'], {
      read: (stored) => (stored === 'Memory' ? 'MEMORY' : undefined),
      write: (value) => (value === 'MEMORY' ? 'Memory' : undefined),
    }),
    field('sizeLimit', ['sizeLimit'], QUANTITY),
  ),
  nested('nfs', ['nfs'], ...same('server', 'path', 'readOnly')),
  GCS,
];
