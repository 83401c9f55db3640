import { type Annotation, BUILT, stored } from '../annotation.ts';
import { FLAG, JSON_OBJECT } from '../values.ts';

const effect = stored('a build writes it for the next build');

/** What a source build leaves for the next one. */
export const BUILD = {
  buildId: { key: 'run.googleapis.com/build-id', on: BUILT, effect },
  buildName: { key: 'run.googleapis.com/build-name', on: BUILT, effect },
  buildImageUri: { key: 'run.googleapis.com/build-image-uri', on: BUILT, effect },
  buildSourceLocation: { key: 'run.googleapis.com/build-source-location', on: BUILT, effect },
  buildFunctionTarget: { key: 'run.googleapis.com/build-function-target', on: BUILT, effect },
  buildBaseImage: { key: 'run.googleapis.com/build-base-image', on: BUILT, effect },
  buildEnableAutomaticUpdates: {
    key: 'run.googleapis.com/build-enable-automatic-updates',
    on: BUILT,
    value: FLAG,
    effect,
  },
  buildEnvironmentVariables: {
    key: 'run.googleapis.com/build-environment-variables',
    on: BUILT,
    value: JSON_OBJECT,
    effect,
  },
  buildServiceAccount: { key: 'run.googleapis.com/build-service-account', on: BUILT, effect },
  buildWorkerPool: { key: 'run.googleapis.com/build-worker-pool', on: BUILT, effect },
  // Their older names, which gcloud removes.
  sourceLocation: { key: 'run.googleapis.com/source-location', on: BUILT, effect },
  functionTarget: { key: 'run.googleapis.com/function-target', on: BUILT, effect },
  imageUri: { key: 'run.googleapis.com/image-uri', on: BUILT, effect },
  enableAutomaticUpdates: {
    key: 'run.googleapis.com/enable-automatic-updates',
    on: BUILT,
    value: FLAG,
    effect,
  },
} as const satisfies Record<string, Annotation>;
