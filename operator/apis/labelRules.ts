import { errorsOfEach, type FieldError, formatted, keyed } from './fieldError.ts';

const WORD = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const DOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_WORD = 63;
const MAX_DOMAIN = 253;

const FORM = `at most ${MAX_WORD} letters, digits, dashes, dots and underscores, with a letter or digit at both ends`;

/**
 * The faults of labels that are handed on to revisions, executions and pods, and of those that nodes are picked by
 * (Kubernetes, Labels and Selectors: Syntax and character set). The API server looks at those of an object itself
 * alone; it would refuse what is made of this one.
 */
export function validateLabels(labels: Record<string, string> | undefined, path: string): FieldError[] {
  return errorsOfEach(Object.entries(labels ?? {}), ([key, value]) => {
    const where = keyed(path, key);
    if (value === '' || isWord(value)) return keyFaults(key, where);
    const message = `is ${formatted(value)}; as the value of a label it must have ${FORM}, or be empty`;
    return [...keyFaults(key, where), { path: where, value, message }];
  });
}

/** The faults of the keys of annotations, which have the form of those of labels. */
export function validateKeys(annotations: Record<string, string> | undefined, path: string): FieldError[] {
  return errorsOfEach(Object.keys(annotations ?? {}), (key) => keyFaults(key, keyed(path, key)));
}

function keyFaults(key: string, path: string): FieldError[] {
  const slash = key.indexOf('/');
  const [domain, word] = slash < 0 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)];
  const isDomain = domain === undefined || (domain.length <= MAX_DOMAIN && DOMAIN.test(domain));
  if (isDomain && isWord(word)) return [];
  return [
    { path, message: `is no key: it must have ${FORM}, and may have a domain and a slash before them` },
  ];
}

function isWord(text: string): boolean {
  return text.length <= MAX_WORD && WORD.test(text);
}
