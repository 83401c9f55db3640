import { HOMERUN } from '../../apis/annotations/homerun.ts';
import { RUN } from '../../apis/annotations/run.ts';
import type { AdmissionRequest } from '../admission/review.ts';
import { requestFor } from './requests.ts';

/** The API server's limit for one object. */
const MOST_BYTES = 3_000_000;

const app = { image: 'app' };
const withContainer = (container: object) => ({
  ...object({ template: { spec: { containers: [{ ...app, ...container }] } } }),
});

function object(spec: unknown, metadata: object = {}, kind = 'Service') {
  return {
    apiVersion: kind === 'Job' || kind === 'Execution' ? 'run.googleapis.com/v1' : 'serving.knative.dev/v1',
    kind,
    metadata: { name: 'hello', namespace: 'demo', ...metadata },
    spec,
  };
}

const APP_SPEC = { template: { spec: { containers: [app] } } };
const annotated = (annotations: unknown, spec: unknown = APP_SPEC) => object(spec, { annotations });
const ofTemplate = (annotations: object) =>
  object({ template: { metadata: { annotations }, spec: { containers: [app] } } });

/** So many of an item that together they have MOST_BYTES as JSON. */
function manyOf<T>(item: T): T[] {
  return Array.from({ length: Math.floor(MOST_BYTES / (JSON.stringify(item).length + 1)) }, () => item);
}

/** Parsed from a text: a literal of that depth could not be built by a function that calls itself. */
const deepList = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
const deepMap = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
const longText = (pattern: string) => pattern.repeat(Math.floor(MOST_BYTES / pattern.length));

/** Requests crafted to overload admission, to crash it, or to inflate its responses. */
export const HOSTILE: Record<string, () => AdmissionRequest> = {
  'lists in lists, 2,500 deep': () => requestFor(withContainer({ args: deepList(2_500) })),
  'lists in lists, 1,500,000 deep': () => requestFor(withContainer({ args: deepList(1_500_000) })),
  'maps in maps, 400,000 deep, where nothing is declared': () =>
    requestFor(withContainer({ unheardOf: deepMap(400_000) })),
  'a spec of lists in lists': () => requestFor(object(deepList(1_000_000))),
  'a stored object that is as deep': () =>
    requestFor(object(APP_SPEC), { oldObject: object({ ...APP_SPEC, unheardOf: deepMap(400_000) }) }),
  'two objects that are as deep': () =>
    requestFor(withContainer({ command: deepList(100_000) }), {
      oldObject: withContainer({ command: deepList(100_000) }),
    }),
  '250,000 variables of a few letters': () => requestFor(withContainer({ env: manyOf({ name: '' }) })),
  '20 times 1,000 variables, all of them wrong': () =>
    requestFor(
      object({
        template: {
          spec: {
            containers: Array.from({ length: 20 }, () => ({
              image: 'A',
              env: Array.from({ length: 1_000 }, () => ({ name: '=', value: '', valueFrom: {} })),
            })),
          },
        },
      }),
    ),
  '20 times 1,000 variables of the wrong type': () =>
    requestFor(
      object({
        template: {
          spec: {
            containers: Array.from({ length: 20 }, () => ({
              image: 1,
              args: Array(1_000).fill(1),
              env: Array(1_000).fill(1),
            })),
          },
        },
      }),
    ),
  '20 times 1,000 variables that only the rules reject': () =>
    requestFor(
      object({
        template: {
          spec: {
            containers: Array.from({ length: 20 }, () => ({
              ...app,
              env: Array.from({ length: 1_000 }, () => ({ name: 'A', value: 'b', valueFrom: {} })),
            })),
          },
        },
      }),
    ),
  'the same as what is stored': () => {
    const spec = {
      template: {
        spec: {
          containers: Array.from({ length: 20 }, () => ({
            image: 'A',
            env: Array.from({ length: 1_000 }, (_, i) => ({ name: `=${i}`, value: 'x'.repeat(100) })),
          })),
        },
      },
    };
    return requestFor(object(structuredClone(spec)), { oldObject: object(spec) });
  },
  'as many mounts': () => requestFor(withContainer({ volumeMounts: manyOf({ name: 'a', mountPath: 'b' }) })),
  'as many traffic targets': () => requestFor(object({ ...APP_SPEC, traffic: manyOf({ percent: -1 }) })),
  'as many containers': () => requestFor(object({ template: { spec: { containers: manyOf({}) } } })),
  'a list of nothing but numbers': () => requestFor(withContainer({ args: manyOf(1) })),
  'a list of one long number': () => requestFor(withContainer({ args: [manyOf(1)] })),
  'a key of 3 MB': () => requestFor(annotated({ [`run.googleapis.com/${longText('x')}`]: 'y' })),
  'a name of 3 MB': () => requestFor(object(APP_SPEC, { name: longText('-') })),
  'a generateName that ends in dashes, almost': () =>
    requestFor(object(APP_SPEC, { name: undefined, generateName: `${longText('-')}x` })),
  'an image of 3 MB': () => requestFor(withContainer({ image: longText('a/') })),
  'a value of 3 MB': () => requestFor(withContainer({ env: [{ name: 'A', value: longText('\u{1F600}') }] })),
  'a name of a variable of 3 MB': () => requestFor(withContainer({ env: [{ name: longText('=') }] })),
  'a service account of 3 MB': () =>
    requestFor(
      object({ template: { spec: { containers: [app], serviceAccountName: `${longText('a.')}@` } } }),
    ),
  'a quantity of 3 MB': () => requestFor(withContainer({ resources: { limits: { cpu: longText('9') } } })),
  'a probe path of 3 MB': () =>
    requestFor(withContainer({ startupProbe: { httpGet: { path: longText(' ') } } })),
  'dependencies of 3 MB': () =>
    requestFor(ofTemplate({ [RUN.containerDependencies]: `{"a":[${longText('b,')}c]}` })),
  'dependencies 250,000 letters long': () =>
    requestFor(ofTemplate({ [RUN.containerDependencies]: `{"a":[${'b,'.repeat(125_000)}c]}` })),
  'dependencies that are deep': () =>
    requestFor(ofTemplate({ [RUN.containerDependencies]: '['.repeat(250_000) })),
  'secrets 250,000 letters long': () => requestFor(ofTemplate({ [RUN.secrets]: ','.repeat(250_000) })),
  'interfaces 250,000 letters long': () =>
    requestFor(ofTemplate({ [RUN.networkInterfaces]: `[${'{},'.repeat(80_000)}{}]` })),
  'a scale of 3 MB': () => requestFor(annotated({ [RUN.minScale]: longText('9') })),
  'a schedule of 3 MB': () =>
    requestFor(object({}, { annotations: { [HOMERUN.schedule]: longText('* ') } }, 'Job'), { kind: 'Job' }),
  'overrides of 3 MB': () =>
    requestFor(object({}, { annotations: { [HOMERUN.overrides]: `[${longText('{},')}{}]` } }, 'Execution'), {
      kind: 'Execution',
    }),
  'a tag of 3 MB': () => requestFor(object({ ...APP_SPEC, traffic: [{ percent: 100, tag: longText('-') }] })),
  'no object': () => requestFor(null),
  'no object where one was': () => requestFor(null, { oldObject: null }),
  'an execution that is none': () => requestFor(null, { kind: 'Execution', oldObject: { spec: 1 } }),
  'a worker pool that is none': () => requestFor(null, { kind: 'WorkerPool' }),
  'metadata that is a number': () => requestFor({ ...object(APP_SPEC), metadata: 1 }),
  'a name that is no text': () => requestFor(object(APP_SPEC, { name: 1 })),
  'a name that cannot become a text': () =>
    requestFor(object(1, { name: { toString: 1, valueOf: 1 }, generateName: [[]] })),
  'annotations named like properties of Object.prototype': () =>
    requestFor(
      annotated({
        'run.googleapis.com/constructor': 'x',
        'run.googleapis.com/toString': 'y',
        'homerun.dev/valueOf': '',
        'autoscaling.knative.dev/hasOwnProperty': '',
        constructor: '',
      }),
    ),
};
