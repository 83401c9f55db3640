import { AUTOSCALING } from '../../../apis/annotations/autoscaling.ts';
import { RUN } from '../../../apis/annotations/run.ts';
import { parseDependencies, parseFlag } from '../../../apis/annotations/values.ts';
import { ACCELERATOR, BASE_IMAGE_RUNTIME } from '../../../apis/serving/instance/platform.ts';
import { deepEqual } from '../../../kube/json.ts';
import { items, mainContainer, withCloudSql } from './cloudSql.ts';
import { CONTAINER, VOLUME } from './container.ts';
import { field, group, isAt, type Lens, list, type Path, setAt, valueAt } from './lens.ts';
import { textsOf } from './metadata.ts';
import { withAliases } from './secret.ts';
import { withoutSoleName } from './soleName.ts';
import {
  COUNT,
  enumOf,
  type Fields,
  FLAG,
  HOURS,
  JSON_TEXT,
  OPTIONAL_FLAG,
  PRESENT,
  parsedJson,
  SECONDS,
} from './value.ts';

/** Where the parts of a template are in the stored object, from its root. */
export interface TemplatePaths {
  metadata: Path;
  spec: Path;
  /** Whether its instances answer requests, between which their CPU may be idle. */
  requests: boolean;
}

const EGRESS = enumOf({ ALL_TRAFFIC: 'all-traffic', PRIVATE_RANGES_ONLY: 'private-ranges-only' });
const OLD_EGRESS = {
  ...EGRESS,
  // The older word for the same (API reference v1, annotations).
  read: (stored: unknown, context: never) => EGRESS.read(stored === 'all' ? 'all-traffic' : stored, context),
};
const ENVIRONMENT = enumOf({ EXECUTION_ENVIRONMENT_GEN1: 'gen1', EXECUTION_ENVIRONMENT_GEN2: 'gen2' });
const REVOCATION = enumOf({ PREVENT_NEW: 'prevent-new', SHUTDOWN: 'shut-down' });

/**
 * All that v2 says of instances and tasks, whatever template it stands in: a message has those of the fields that its
 * descriptor has (kinds.ts).
 */
export function instance({ metadata, spec, requests }: TemplatePaths): Lens[] {
  const note = (key: string): Path => [...metadata, 'annotations', key];
  const at = (...path: string[]): Path => [...spec, ...path];
  const containers = withCloudSql(
    metadata,
    list('containers', at('containers'), 'name', ...CONTAINER),
    list('volumes', at('volumes'), 'name', ...VOLUME),
  );
  return [
    textsOf('labels', metadata),
    textsOf('annotations', metadata),
    withAliases(metadata, withoutSoleName(withAnnotated(containers, note, requests ? at : undefined))),
    group(
      'scaling',
      field('minInstanceCount', note(AUTOSCALING.minScale), COUNT),
      field('maxInstanceCount', note(AUTOSCALING.maxScale), COUNT),
    ),
    group(
      'vpcAccess',
      field('connector', note(RUN.vpcAccessConnector)),
      field('egress', note(RUN.vpcAccessEgress), OLD_EGRESS),
      field('networkInterfaces', note(RUN.networkInterfaces), JSON_TEXT),
    ),
    field('timeout', at('timeoutSeconds'), SECONDS),
    field('serviceAccount', at('serviceAccountName')),
    field('executionEnvironment', note(RUN.executionEnvironment), ENVIRONMENT),
    field('encryptionKey', note(RUN.encryptionKey)),
    field('encryptionKeyRevocationAction', note(RUN.postKeyRevocationActionType), REVOCATION),
    field('encryptionKeyShutdownDuration', note(RUN.encryptionKeyShutdownHours), HOURS),
    field('maxInstanceRequestConcurrency', at('containerConcurrency')),
    group('serviceMesh', field('mesh', note(RUN.mesh))),
    field('sessionAffinity', note(RUN.sessionAffinity), FLAG),
    field('healthCheckDisabled', note(RUN.healthCheckDisabled), FLAG),
    group('nodeSelector', field('accelerator', at('nodeSelector', ACCELERATOR))),
    field('gpuZonalRedundancyDisabled', note(RUN.gpuZonalRedundancyDisabled), OPTIONAL_FLAG),
    field('maxRetries', at('maxRetries'), PRESENT),
  ];
}

/** A value of a container that stands in an annotation of the template, with those of the others. */
interface Annotated {
  field: string;
  key: string;
  parse(text: string): Map<string, unknown> | undefined;
  print(value: unknown): unknown;
}

const jsonMap = (text: string) => {
  const value = parsedJson(text);
  return value ? new Map(Object.entries(value as object)) : undefined;
};

const ANNOTATED: readonly Annotated[] = [
  { field: 'dependsOn', key: RUN.containerDependencies, parse: parseDependencies, print: (value) => value },
  { field: 'baseImageUri', key: RUN.baseImages, parse: jsonMap, print: (value) => value },
  {
    field: 'sourceCode',
    key: RUN.sources,
    parse: (text) => {
      const urls = [...(jsonMap(text) ?? [])].map(([name, url]) => [name, sourceOf(String(url))] as const);
      return new Map(urls.filter(([, source]) => source !== undefined));
    },
    print: (value) => {
      const { bucket, object, generation } = (value as SourceCode).cloudStorageSource ?? {};
      return `gs://${bucket ?? ''}/${object ?? ''}${generation ? `#${generation}` : ''}`;
    },
  },
];

interface SourceCode {
  cloudStorageSource?: { bucket?: string; object?: string; generation?: string };
}

function sourceOf(url: string): SourceCode | undefined {
  const [, bucket, object, generation] = /^gs:\/\/([^/]+)\/([^#]+)(?:#(\d+))?$/.exec(url) ?? [];
  if (!bucket || !object) return undefined;
  return { cloudStorageSource: { bucket, object, ...(generation ? { generation } : {}) } };
}

/**
 * Containers with what annotations of their template say of them.
 * @param at a path in the spec of a template whose instances answer requests; undefined for others.
 */
function withAnnotated(
  containers: Lens,
  note: (key: string) => Path,
  at: ((...path: string[]) => Path) | undefined,
): Lens {
  const runtimeClass = at?.('runtimeClassName');
  const readNotes = (stored: Fields, messages: readonly Fields[]) => {
    for (const { field: name, key, parse } of ANNOTATED) {
      const text = valueAt(stored, note(key)) as string | undefined;
      const values = text === undefined ? undefined : parse(text);
      for (const container of messages) {
        // An only container may be meant by no name.
        const sole = messages.length === 1 ? values?.get('') : undefined;
        const value = values?.get(String(container.name ?? '')) ?? sole;
        if (value !== undefined && !deepEqual(value, [])) container[name] = value;
      }
    }
    if (at) readCpu(stored, messages, note);
  };
  const notes = [...ANNOTATED.map(({ key }) => key), RUN.cpuThrottling, RUN.startupCpuBoost].map(note);
  const places = runtimeClass ? [...notes, runtimeClass] : notes;
  return {
    fields: containers.fields,
    locate: (path) => (places.some((place) => isAt(path, place)) ? 'containers' : containers.locate?.(path)),
    read(stored, message, context) {
      containers.read(stored, message, context);
      readNotes(stored, items(message.containers));
    },
    write(message, stored, context, path) {
      const given = items(message.containers);
      // What neither of them says stays unsaid. To know what the stored object says, all of its containers are read.
      const said = ANNOTATED.filter(
        ({ field: name, key }) =>
          valueAt(stored, note(key)) !== undefined ||
          given.some((container) => container[name] !== undefined),
      );
      const before: Fields = {};
      if (said.length > 0) {
        containers.read(stored, before, context);
        readNotes(stored, items(before.containers));
      }
      const plain = given.map((container) => withoutAnnotated(container));
      containers.write?.(
        { ...message, ...(given.length > 0 ? { containers: plain } : {}) },
        stored,
        context,
        path,
      );
      for (const annotated of said) {
        const values = valuesOf(given, annotated.field);
        if (deepEqual(valuesOf(items(before.containers), annotated.field), values)) continue;
        const printed = values.map(([name, value]) => [name, annotated.print(value)]);
        const text = printed.length > 0 ? JSON.stringify(Object.fromEntries(printed)) : undefined;
        setAt(stored, note(annotated.key), text);
      }
      if (runtimeClass) writeRuntimeClass(stored, given, items(before.containers), runtimeClass);
      if (at) writeCpu(stored, given, note);
    },
  };
}

/**
 * v2 has no runtime class: a base image alone asks that instances follow it (API reference v2, Container: baseImageUri;
 * Google's Terraform provider says so of base_image_uri). What follows none, by v1, goes on so until the base image changes.
 */
function writeRuntimeClass(
  stored: Fields,
  given: readonly Fields[],
  before: readonly Fields[],
  path: Path,
): void {
  const images = valuesOf(given, 'baseImageUri');
  if (deepEqual(valuesOf(before, 'baseImageUri'), images)) return;
  if (images.length > 0) setAt(stored, path, BASE_IMAGE_RUNTIME);
  else if (valueAt(stored, path) === BASE_IMAGE_RUNTIME) setAt(stored, path, undefined);
}

const valuesOf = (containers: readonly Fields[], name: string) =>
  containers
    .filter((container) => container[name] !== undefined)
    .map((container) => [String(container.name ?? ''), container[name]] as const);

function withoutAnnotated(container: Fields): Fields {
  const kept = { ...container };
  for (const { field: name } of ANNOTATED) if (kept[name] !== undefined) delete kept[name];
  const { cpuIdle, startupCpuBoost, ...resources } = (kept.resources ?? {}) as Fields;
  return kept.resources ? { ...kept, resources } : kept;
}

/**
 * v2 says of each container with resources whether its CPU is idle between requests and boosted at the start; v1 says it
 * once for all of them. In v2 unset means false, in v1 CPU is throttled by default (API reference v2,
 * ResourceRequirements: cpuIdle).
 */
function readCpu(stored: Fields, containers: readonly Fields[], note: (key: string) => Path): void {
  const { throttled, boosted } = cpuOf(stored, note);
  for (const container of containers) {
    if (!container.resources) continue;
    const flags = { ...(throttled ? { cpuIdle: true } : {}), ...(boosted ? { startupCpuBoost: true } : {}) };
    container.resources = { ...(container.resources as Fields), ...flags };
  }
}

/** The main container decides for all. */
function writeCpu(stored: Fields, containers: readonly Fields[], note: (key: string) => Path): void {
  const { cpuIdle, startupCpuBoost } = (mainContainer(containers)?.resources ?? { cpuIdle: true }) as Fields;
  const { throttled, boosted } = cpuOf(stored, note);
  if (throttled !== (cpuIdle === true)) setAt(stored, note(RUN.cpuThrottling), String(cpuIdle === true));
  if (boosted !== (startupCpuBoost === true)) {
    setAt(stored, note(RUN.startupCpuBoost), String(startupCpuBoost === true));
  }
}

function cpuOf(stored: Fields, note: (key: string) => Path) {
  const flag = (key: string) => parseFlag(valueAt(stored, note(key)) as string | undefined);
  return { throttled: flag(RUN.cpuThrottling) !== false, boosted: flag(RUN.startupCpuBoost) === true };
}
