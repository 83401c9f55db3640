import { RUN } from '../../../apis/annotations/run.ts';
import { RUN as LABELS } from '../../../apis/labels.ts';
import { TERMINAL_CONDITIONS } from './condition.ts';
import { field, group, type Lens, locate, shown, valueAt } from './lens.ts';
import { annotation, derived } from './metadata.ts';
import { nameOf } from './names.ts';
import { shareStatuses, shares } from './traffic.ts';
import {
  COMMAS,
  COUNT,
  type Code,
  enumOf,
  type Fields,
  FLAG,
  JSON_TEXT,
  OPTIONAL_COUNT,
  PRESENT,
  parsedJson,
} from './value.ts';

const INGRESS = enumOf(
  {
    INGRESS_TRAFFIC_ALL: 'all',
    INGRESS_TRAFFIC_INTERNAL_ONLY: 'internal',
    INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER: 'internal-and-cloud-load-balancing',
    INGRESS_TRAFFIC_NONE: 'none',
  },
  'INGRESS_TRAFFIC_ALL',
);

const MODE = enumOf({ AUTOMATIC: 'automatic', MANUAL: 'manual' });

/** The default policy of the project, as v1 writes it. */
const DEFAULT_POLICY = 'default';
const USE_DEFAULT: Code = {
  read: (stored) => (stored === DEFAULT_POLICY ? true : undefined),
  write: (value) => (value ? DEFAULT_POLICY : undefined),
};
const POLICY: Code = {
  read: (stored) => (stored === DEFAULT_POLICY ? undefined : stored || undefined),
  write: (value) => value,
};

/** Which images may run; both methods of it are one annotation. */
export const BINARY_AUTHORIZATION = group(
  'binaryAuthorization',
  oneOf(
    field('useDefault', annotation(RUN.binaryAuthorization), USE_DEFAULT),
    field('policy', annotation(RUN.binaryAuthorization), POLICY),
  ),
  field('breakglassJustification', annotation(RUN.binaryAuthorizationBreakglass)),
);

/** Fields of a oneof that are stored in one place: the ones that are unset are written first. */
function oneOf(...lenses: Lens[]): Lens {
  const fields = lenses.flatMap((lens) => lens.fields);
  return {
    fields,
    locate: (path) => locate(lenses, path),
    read: (stored, message, context) => {
      for (const lens of lenses) lens.read(stored, message, context);
    },
    write(message, stored, context, path) {
      const set = (lens: Lens) => (message[lens.fields[0] ?? ''] === undefined ? 0 : 1);
      for (const lens of lenses.toSorted((a, b) => set(a) - set(b)))
        lens.write?.(message, stored, context, path);
    },
  };
}

/** What a source build leaves for the next one. */
const BUILD_CONFIG = group(
  'buildConfig',
  shown('name', annotation(RUN.buildName)),
  field('sourceLocation', annotation(RUN.buildSourceLocation)),
  field('functionTarget', annotation(RUN.buildFunctionTarget)),
  field('imageUri', annotation(RUN.buildImageUri)),
  field('baseImage', annotation(RUN.buildBaseImage)),
  field('enableAutomaticUpdates', annotation(RUN.buildEnableAutomaticUpdates), FLAG),
  field('workerPool', annotation(RUN.buildWorkerPool)),
  field('environmentVariables', annotation(RUN.buildEnvironmentVariables), JSON_TEXT),
  field('serviceAccount', annotation(RUN.buildServiceAccount)),
);

/** What a service says beside its template. */
export const SERVICE_FIELDS: readonly Lens[] = [
  BINARY_AUTHORIZATION,
  BUILD_CONFIG,
  shares('traffic', ['spec', 'traffic'], 'TRAFFIC_TARGET_ALLOCATION_TYPE'),
  field('ingress', annotation(RUN.ingress), INGRESS),
  group(
    'scaling',
    field('minInstanceCount', annotation(RUN.minScale), COUNT),
    field('maxInstanceCount', annotation(RUN.maxScale), COUNT),
    field('scalingMode', annotation(RUN.scalingMode), MODE),
    field('manualInstanceCount', annotation(RUN.manualInstanceCount), OPTIONAL_COUNT),
  ),
  field('invokerIamDisabled', annotation(RUN.invokerIamDisabled), FLAG),
  field('defaultUriDisabled', annotation(RUN.defaultUrlDisabled), FLAG),
  field('iapEnabled', annotation(RUN.iapEnabled), FLAG),
  field('customAudiences', annotation(RUN.customAudiences), JSON_TEXT),
  group(
    'multiRegionSettings',
    field('regions', annotation(RUN.regions), COMMAS),
    field('multiRegionId', ['metadata', 'labels', LABELS.multiRegionId]),
  ),
];

/** The revisions that a service or worker pool made last, by their full names. */
export const LATEST_REVISIONS: readonly Lens[] = [
  derived('latestReadyRevision', (stored, place) => latest(stored, place, 'latestReadyRevisionName')),
  derived('latestCreatedRevision', (stored, place) => latest(stored, place, 'latestCreatedRevisionName')),
];

function latest(stored: Fields, place: string, field: string): string | undefined {
  const name = valueAt(stored, ['status', field]);
  return name ? `${nameOf(stored as never, place)}/revisions/${name}` : undefined;
}

/** The status of a service. */
export const SERVICE_STATUS: readonly Lens[] = [
  ...TERMINAL_CONDITIONS,
  ...LATEST_REVISIONS,
  derived('uri', urlOf),
  derived('urls', (stored) => urlsOf(stored)),
  shareStatuses('trafficStatuses', ['status', 'traffic'], 'TRAFFIC_TARGET_ALLOCATION_TYPE'),
];

function urlOf(stored: Fields): unknown {
  return valueAt(stored, ['status', 'url']) || undefined;
}

function urlsOf(stored: Fields): unknown {
  const listed = parsedJson(valueAt(stored, annotation(RUN.urls)));
  const url = urlOf(stored);
  return listed ?? (url === undefined ? undefined : [url]);
}

const COUNT_FIELD = field('manualInstanceCount', ['spec', 'manualInstanceCount'], PRESENT);
const COUNT_NOTE = field('manualInstanceCount', annotation(RUN.manualInstanceCount), OPTIONAL_COUNT);

/** The size of a worker pool: a field, which `kubectl scale` sets too, and the annotation of v1. */
const POOL_COUNT: Lens = {
  fields: COUNT_FIELD.fields,
  locate: (path) => locate([COUNT_FIELD, COUNT_NOTE], path),
  read(stored, message, context) {
    COUNT_NOTE.read(stored, message, context);
    COUNT_FIELD.read(stored, message, context);
  },
  write(message, stored, context, path) {
    const before: Fields = {};
    this.read(stored, before, context);
    if (before.manualInstanceCount === message.manualInstanceCount) return;
    COUNT_FIELD.write(message, stored, context, path);
    COUNT_NOTE.write(message, stored, context, path);
  },
};

/** What a worker pool says beside its template, and its status. */
export const POOL_FIELDS: readonly Lens[] = [
  BINARY_AUTHORIZATION,
  shares('instanceSplits', ['spec', 'instanceSplits'], 'INSTANCE_SPLIT_ALLOCATION_TYPE'),
  group('scaling', POOL_COUNT),
  field('customAudiences', annotation(RUN.customAudiences), JSON_TEXT),
  ...TERMINAL_CONDITIONS,
  ...LATEST_REVISIONS,
  shareStatuses('instanceSplitStatuses', ['status', 'instanceSplits'], 'INSTANCE_SPLIT_ALLOCATION_TYPE'),
];
