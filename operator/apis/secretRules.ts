import { RUN } from './annotations/run.ts';
import { type FieldError, mustBe, STRICT } from './fieldError.ts';

/** Names in Secret Manager (Secret Manager, Create a secret). */
const NAME = /^[A-Za-z0-9_-]{1,255}$/;

/** What Kubernetes takes for the key of a Secret or ConfigMap (Kubernetes API, Secret: data); nothing counts as unset. */
export const DATA_KEY = '^[-._a-zA-Z0-9]*$';
const KEY = new RegExp(DATA_KEY);

/**
 * The errors of the name of a secret. A path is none: a secret of another project has an alias (API reference,
 * SecretVolumeSource: secretName). Of anything else a cluster makes the name of a Secret, so all are of strict mode.
 */
export function validateSecretName(name: string, path: string): FieldError[] {
  if (name === '' || NAME.test(name)) return [];
  const wanted = 'at most 255 letters, digits, dashes and underscores';
  const hint = name.includes('/')
    ? `; for a secret of another project declare an alias in annotation ${RUN.secrets}`
    : '';
  return [mustBe(path, name, `the name of a secret, ${wanted}${hint}`, STRICT)];
}

/** The errors of a key: one that Kubernetes does not take is in no Secret, and an instance would wait for it. */
export function validateDataKey(key: string, path: string): FieldError[] {
  const form = 'latest, a number or an alias, or a key: letters, digits, dashes, dots and underscores';
  return KEY.test(key) ? [] : [mustBe(path, key, form)];
}
