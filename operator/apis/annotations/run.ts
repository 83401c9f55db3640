import { keysOf } from './annotation.ts';
import { ACCESS } from './run/access.ts';
import { BUILD } from './run/build.ts';
import { GOOGLE_ONLY } from './run/googleOnly.ts';
import { INSTANCE } from './run/instance.ts';
import { OBJECT } from './run/object.ts';
import { SCALING } from './run/scaling.ts';

/** Cloud Run's own (Cloud Run API v1, annotations). */
export const RUN_ANNOTATIONS = {
  ...SCALING,
  ...ACCESS,
  ...OBJECT,
  ...INSTANCE,
  ...GOOGLE_ONLY,
  ...BUILD,
};

export const RUN = keysOf(RUN_ANNOTATIONS);
