import { type Annotation, keysOf, REVISION, SCALED, stored } from './annotation.ts';

const AUTHOR = stored('set to the requesting user; a value from the client is replaced');

/** Who created an object and who changed it last; written by the platform (Cloud Run API v1, annotations). */
export const SERVING_ANNOTATIONS = {
  creator: {
    key: 'serving.knative.dev/creator',
    on: [...SCALED, ...REVISION],
    effect: AUTHOR,
    notInheritedBy: ['execution'],
  },
  lastModifier: {
    key: 'serving.knative.dev/lastModifier',
    on: [...SCALED, ...REVISION],
    effect: AUTHOR,
    notInheritedBy: ['execution'],
  },
} as const satisfies Record<string, Annotation>;

export const SERVING = keysOf(SERVING_ANNOTATIONS);
