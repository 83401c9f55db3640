import { type Annotation, honoured, keysOf, REVISION, SCALED, SERVICE, stored } from './annotation.ts';
import { WHOLE_SECONDS } from './values.ts';

const AUTHOR = stored('set to the requesting user; a value from the client is replaced');

/**
 * Who created an object and who changed it last, written by the platform (Cloud Run API v1, annotations); and Knative's
 * gradual roll-out (Knative Serving, Configuring gradual rollout of traffic to Revisions).
 */
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
  rolloutDuration: {
    key: 'serving.knative.dev/rollout-duration',
    on: SERVICE,
    value: WHOLE_SECONDS,
    effect: honoured(
      'as on Knative Serving, time over which traffic moves to a new latest revision; chart value traffic.rolloutDurationSeconds when unset',
    ),
  },
} as const satisfies Record<string, Annotation>;

export const SERVING = keysOf(SERVING_ANNOTATIONS);
