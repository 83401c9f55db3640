import { RUN } from '../../../apis/annotations/run.ts';
import { SERVING } from '../../../apis/annotations/serving.ts';
import type { KubeObject } from '../../../kube/types.ts';
import { etagOf } from '../../resources/version.ts';
import { FieldValueError, field, isAt, type Lens, type Path, setAt, shown, valueAt } from './lens.ts';
import { enumOf, type Fields, INT64, TIME } from './value.ts';

/**
 * Domains whose labels and annotations v2 has fields for, or cannot say: it does not show them, keeps them, and refuses
 * them in requests (API reference v2, Service: annotations).
 */
const RESERVED =
  /^([a-z0-9-]+\.)*(run\.googleapis\.com|cloud\.googleapis\.com|runapps\.googleapis\.com|knative\.dev|homerun\.dev|kubectl\.kubernetes\.io)\//;

/** An annotation of the object itself. */
export const annotation = (key: string): Path => ['metadata', 'annotations', key];

/** Labels or annotations, without those of the platform. */
export function textsOf(name: 'labels' | 'annotations', metadata: Path): Lens {
  const path = [...metadata, name];
  const entriesOf = (stored: Fields) => Object.entries((valueAt(stored, path) ?? {}) as Fields);
  const ownOf = (stored: Fields) => entriesOf(stored).filter(([key]) => !RESERVED.test(key));
  return {
    fields: [name],
    locate: (found) => (isAt(found, path) && !RESERVED.test(found[path.length] ?? '') ? name : undefined),
    read(stored, message) {
      const own = ownOf(stored);
      if (own.length > 0) message[name] = Object.fromEntries(own);
    },
    write(message, stored, _context, parent) {
      const texts = (message[name] ?? {}) as Record<string, string>;
      const refused = Object.keys(texts).find((key) => RESERVED.test(key));
      if (refused) {
        const at = parent ? `${parent}.${name}` : name;
        throw new FieldValueError(at, `${refused} is reserved: use the field of the API that it stands for`);
      }
      if (ownOf(stored).length === 0 && Object.keys(texts).length === 0) return;
      const reserved = entriesOf(stored).filter(([key]) => RESERVED.test(key));
      const next = { ...Object.fromEntries(reserved), ...texts };
      setAt(stored, path, Object.keys(next).length > 0 ? next : undefined);
    },
  };
}

/** The time at which an object or its state changed last. */
function updateTime(stored: Fields): string | undefined {
  const conditions = (valueAt(stored, ['status', 'conditions']) ?? []) as { lastTransitionTime?: string }[];
  const times = conditions.map(({ lastTransitionTime }) => lastTransitionTime);
  const known = [valueAt(stored, ['metadata', 'creationTimestamp']) as string | undefined, ...times];
  return known
    .filter((time) => time !== undefined && time !== '')
    .sort()
    .at(-1);
}

/** A field that follows from the whole object. */
export function derived(name: string, value: (stored: Fields, place: string) => unknown): Lens {
  return {
    fields: [name],
    read(stored, message, { place }) {
      const found = value(stored, place);
      if (found !== undefined) message[name] = found;
    },
  };
}

/** What every resource says of itself. */
export const IDENTITY: readonly Lens[] = [
  shown('uid', ['metadata', 'uid']),
  shown('generation', ['metadata', 'generation'], INT64),
  shown('observedGeneration', ['status', 'observedGeneration'], INT64),
  shown('createTime', ['metadata', 'creationTimestamp'], TIME),
  shown('deleteTime', ['metadata', 'deletionTimestamp'], TIME),
  derived('updateTime', updateTime),
  derived('etag', (stored) => etagOf(stored as unknown as KubeObject)),
  derived('creator', (stored) => author(stored, RUN.creator, SERVING.creator)),
  derived('lastModifier', (stored) => author(stored, RUN.lastModifier, SERVING.lastModifier)),
  textsOf('labels', ['metadata']),
  textsOf('annotations', ['metadata']),
];

function author(stored: Fields, ...keys: string[]): unknown {
  return keys.map((key) => valueAt(stored, annotation(key))).find((name) => name !== undefined);
}

const STAGES = { ALPHA: 'ALPHA', BETA: 'BETA', GA: 'GA' };

export const LAUNCH_STAGE = field('launchStage', annotation(RUN.launchStage), enumOf(STAGES, 'GA'));

/** What clients say of what they made. */
export const DESCRIPTION: readonly Lens[] = [
  field('description', annotation(RUN.description)),
  field('client', annotation(RUN.clientName)),
  field('clientVersion', annotation(RUN.clientVersion)),
  LAUNCH_STAGE,
];
