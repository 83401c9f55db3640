import type { AdmissionRequest } from '../admission/review.ts';
import { requestFor } from './requests.ts';

type Json = Record<string, unknown>;

/** The API server's limit for one object. */
const MOST_BYTES = 3_000_000;
/** The maximum number of keys of an object of that size. */
const MOST_KEYS = Math.floor(MOST_BYTES / '"abcd":1,'.length);

const app = { image: 'app' };

function object(spec: unknown, more: Json = {}, metadata: Json = {}, kind = 'Service'): Json {
  const group = kind === 'Service' ? 'serving.knative.dev' : 'run.googleapis.com';
  const named = { name: 'hello', namespace: 'demo', ...metadata };
  return { apiVersion: `${group}/v1`, kind, metadata: named, spec, ...more };
}

const template = (spec: Json, metadata: Json = {}) => object({ template: { metadata, spec } });
const container = (more: Json) => template({ containers: [{ ...app, ...more }] });
const sound = container({});
const APP_SPEC = { template: { spec: { containers: [app] } } };
const job = (task: Json, metadata: Json = {}) =>
  object({ template: { metadata, spec: { template: { spec: task } } } }, {}, {}, 'Job');

export interface WideCase {
  /** The request for an object with such a map in one place. */
  ask: (map: Json) => AdmissionRequest;
  /** The reported field; unset when the object is admitted because only the stored one is too wide. */
  field?: string;
  reason: string;
}

const of = (make: (map: Json) => unknown, kind = 'Service') => ({
  ask: (map: Json) => requestFor(make(map), { kind }),
});

/** Every kind of place where a client may send a map with arbitrary keys. */
export const WIDE: Readonly<Record<string, WideCase>> = {
  annotations: {
    ...of((annotations) => object(APP_SPEC, {}, { annotations })),
    field: 'metadata.annotations',
    reason: 'any key may stand there',
  },
  labels: {
    ...of((labels) => object(APP_SPEC, {}, { labels })),
    field: 'metadata.labels',
    reason: 'any key may stand there',
  },
  'annotations of a template': {
    ...of((annotations) => template({ containers: [app] }, { annotations })),
    field: 'spec.template.metadata.annotations',
    reason: 'any key may stand there',
  },
  'labels of a template': {
    ...of((labels) => template({ containers: [app] }, { labels })),
    field: 'spec.template.metadata.labels',
    reason: 'any key may stand there',
  },
  'labels of nodes': {
    ...of((nodeSelector) => template({ containers: [app], nodeSelector })),
    field: 'spec.template.spec.nodeSelector',
    reason: 'any key may stand there',
  },
  limits: {
    ...of((limits) => container({ resources: { limits } })),
    field: 'spec.template.spec.containers[0].resources.limits',
    reason: 'resources have names of their own',
  },
  'attributes of a volume': {
    ...of((volumeAttributes) =>
      template({ containers: [app], volumes: [{ name: 'v', csi: { driver: 'd', volumeAttributes } }] }),
    ),
    field: 'spec.template.spec.volumes[0].csi.volumeAttributes',
    reason: 'a driver has names of its own',
  },
  'variables as a map': {
    ...of((env) => container({ env })),
    field: 'spec.template.spec.containers[0].env',
    reason: 'a list is declared there, and people write a map',
  },
  'a map for an image': {
    ...of((image) => container({ image })),
    field: 'spec.template.spec.containers[0].image',
    reason: 'a text is declared there, and the value is echoed',
  },
  'a map for an annotation': {
    ...of((a) => object(APP_SPEC, {}, { annotations: { a } })),
    field: 'metadata.annotations.a',
    reason: 'a text is declared there, and the value is echoed',
  },
  'a map for a name': {
    ...of((name) => object(APP_SPEC, {}, { name })),
    field: 'metadata.name',
    reason: 'a text is declared there, and the answer echoes it',
  },
  'unknown fields of a container': {
    ...of((fields) => container(fields)),
    field: 'spec.template.spec.containers[0]',
    reason: 'the API server passes on undeclared fields',
  },
  'unknown fields of a spec': {
    ...of((fields) => object({ ...APP_SPEC, ...fields })),
    field: 'spec',
    reason: 'the API server passes on undeclared fields',
  },
  'unknown fields of the metadata': {
    ...of((fields) => object(APP_SPEC, {}, fields)),
    field: 'metadata',
    reason: 'the API server passes on undeclared fields',
  },
  'unknown fields of the object': {
    ...of((fields) => ({ ...sound, ...fields })),
    field: '',
    reason: 'the API server passes on undeclared fields',
  },
  'a status': {
    ...of((status) => ({ ...sound, status })),
    field: 'status',
    reason: 'whoever creates an object may send one',
  },
  'a map for a spec': { ...of((spec) => object(spec)), field: 'spec', reason: 'nothing of it is declared' },
  'a map for an object': { ...of((map) => map), field: '', reason: 'nothing of it is declared' },
  'a map in maps': {
    ...of((map) => container({ a: { b: { c: map } } })),
    field: 'spec.template.spec.containers[0].a.b.c',
    reason: 'a reported path has a limited length',
  },
  'the same in what the API server keeps about fields': {
    ...of((map) => ({
      ...container({ x: map }),
      metadata: { name: 'hello', managedFields: [{ fieldsV1: { 'f:spec': map } }] },
    })),
    field: 'spec.template.spec.containers[0].x',
    reason: 'the user wrote the first, and the second is a copy',
  },
  'annotations of executions': {
    ...of((annotations) => job({ containers: [app] }, { annotations }), 'Job'),
    field: 'spec.template.metadata.annotations',
    reason: 'any key may stand there',
  },
  'limits of a task': {
    ...of((limits) => job({ containers: [{ ...app, resources: { limits } }] }), 'Job'),
    field: 'spec.template.spec.template.spec.containers[0].resources.limits',
    reason: 'resources have names of their own',
  },
  'labels of an execution': {
    ...of((labels) => object({}, {}, { labels }, 'Execution'), 'Execution'),
    field: 'metadata.labels',
    reason: 'one of them names the job, which is looked up',
  },
  'annotations of a worker pool': {
    ...of((annotations) => object(APP_SPEC, {}, { annotations }, 'WorkerPool'), 'WorkerPool'),
    field: 'metadata.annotations',
    reason: 'any key may stand there',
  },
  'what is stored': {
    ask: (map) => requestFor(sound, { oldObject: object({ ...APP_SPEC, ...map }) }),
    reason: 'it predates its schema, and must not prevent its repair',
  },
  'what is stored and what takes its place': {
    ask: (map) => requestFor(object({ ...APP_SPEC, ...map }), { oldObject: object({ ...APP_SPEC, ...map }) }),
    field: 'spec',
    reason: 'nothing is compared key by key',
  },
};

/** The entries of a map, as JSON. */
export interface WideEntries {
  /** Those whose keys are numbers: JavaScript puts them first in every object, wherever the map goes. */
  numbered: string;
  named: string;
}

/** Of a map of as many keys as an object has room for, or fewer. */
export function wideEntries(length = MOST_KEYS): WideEntries {
  const keys = Array.from({ length }, (_, i) => (36 ** 3 + i).toString(36));
  const isNumber = (key: string) => /^\d+$/.test(key);
  const text = (some: string[]) => some.map((key) => `"${key}":1`).join();
  return {
    numbered: text(keys.filter(isNumber)),
    named: text(keys.filter((key) => !isNumber(key))),
  };
}

/**
 * The request with this wide map, byte for byte as JSON.stringify writes it, which takes most of the time that a test of
 * it takes: two keys stand for the map, and its entries take their place.
 */
export function askedText(ask: WideCase['ask'], { numbered, named }: WideEntries): string {
  return JSON.stringify(ask({ 1000: 'numbered', zzzz: 'named' }))
    .replaceAll('"1000":"numbered"', numbered)
    .replaceAll('"zzzz":"named"', named);
}
