import { errorsOfEach, type FieldError, formatted, keyed } from './fieldError.ts';

const WORD = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const DOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_WORD = 63;
const MAX_DOMAIN = 253;

const FORM = `at most ${MAX_WORD} letters, digits, dashes, dots and underscores, starting and ending with a letter or digit`;

/**
 * The errors in labels that revisions, executions and pods inherit, and in those of a node selector (Kubernetes, Labels
 * and Selectors: Syntax and character set). The API server validates only the labels of the object itself; it would
 * reject the objects that are created from this one.
 */
export function validateLabels(labels: Record<string, string> | undefined, path: string): FieldError[] {
  return errorsOfEach(Object.entries(labels ?? {}), ([key, value]) => {
    const where = keyed(path, key);
    if (value === '' || isWord(value)) return keyErrors(key, where);
    const message = `is ${formatted(value)}; a label value must be empty or have ${FORM}`;
    return [...keyErrors(key, where), { path: where, value, message }];
  });
}

/** Maximum number of labels of one object, and their characters (Google Cloud, Requirements for labels). */
const MOST_LABELS = 64;
const LOWER_CASE = /^[-_a-z0-9]*$/;

/**
 * Labels that Kubernetes accepts and Google Cloud does not: a warning even in strict mode, because no document of Cloud
 * Run states it. A key with a domain belongs to a tool, and whoever applies an object cannot change it.
 */
export function adviseLabels(labels: Record<string, string> | undefined, path: string): FieldError[] {
  const own = Object.entries(labels ?? {}).filter(([key]) => !key.includes('/'));
  const advice = (where: string, message: string) => ({ path: where, message, strict: true, advice: true });
  const many = own.length > MOST_LABELS;
  return [
    ...(many ? [advice(path, `has ${own.length} labels; Cloud Run allows at most ${MOST_LABELS}`)] : []),
    ...errorsOfEach(own, ([key, value]) => {
      const where = keyed(path, key);
      if (key.startsWith('goog-'))
        return [advice(where, 'begins with goog-, which Google Cloud keeps for itself')];
      const unfit = [key, value].find((text) => !LOWER_CASE.test(text));
      // What Kubernetes does not accept either is an error of its own.
      if (unfit === undefined || !isWord(key) || !(value === '' || isWord(value))) return [];
      const what = unfit === value ? `is ${formatted(value)}` : 'is a key with other characters';
      return [
        advice(where, `${what}; Cloud Run allows only lowercase letters, digits, dashes and underscores`),
      ];
    }),
  ];
}

/** The errors in the keys of annotations, which have the form of label keys. */
export function validateKeys(annotations: Record<string, string> | undefined, path: string): FieldError[] {
  return errorsOfEach(Object.keys(annotations ?? {}), (key) => keyErrors(key, keyed(path, key)));
}

function keyErrors(key: string, path: string): FieldError[] {
  const slash = key.indexOf('/');
  const [domain, word] = slash < 0 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)];
  const isDomain = domain === undefined || (domain.length <= MAX_DOMAIN && DOMAIN.test(domain));
  if (isDomain && isWord(word)) return [];
  return [{ path, message: `is not a valid key; it must have ${FORM}, after an optional domain and slash` }];
}

function isWord(text: string): boolean {
  return text.length <= MAX_WORD && WORD.test(text);
}
