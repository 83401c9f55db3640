import type { KubeObject } from '../kube/types.ts';

type Test = (object: KubeObject) => boolean;

/**
 * The test that a label selector stands for: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, with commas.
 * @throws {SyntaxError} for anything else.
 */
export function labelTest(selector: string): Test {
  const tests = split(selector).map(labelRequirement);
  return (object) => tests.every((test) => test(object));
}

/** The test for a field selector: `metadata.name=a`, `spec.nodeName!=b`, with commas. */
export function fieldTest(selector: string): Test {
  const tests = split(selector).map((part): Test => {
    const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part);
    if (!match) throw new SyntaxError(`invalid field selector ${part}`);
    const [, path = '', operator, wanted] = match;
    return (object) => (fieldValue(object, path) === wanted) === (operator !== '!=');
  });
  return (object) => tests.every((test) => test(object));
}

function labelRequirement(part: string): Test {
  const set = /^([\w./-]+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(part);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (object) => values.includes(label(object, key) ?? '\0') === (operator === 'in');
  }
  const equality = /^([\w./-]+)\s*(==|=|!=)\s*([\w./-]*)$/.exec(part);
  if (equality) {
    const [, key = '', operator, value] = equality;
    return (object) => (label(object, key) === value) === (operator !== '!=');
  }
  const existence = /^(!?)([\w./-]+)$/.exec(part);
  if (!existence) throw new SyntaxError(`unable to parse requirement ${part}`);
  const [, not, key = ''] = existence;
  return (object) => (label(object, key) !== undefined) === (not === '');
}

/** At commas that are not inside parentheses. */
function split(selector: string): string[] {
  return selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function label(object: KubeObject, key: string): string | undefined {
  return object.metadata.labels?.[key];
}

function fieldValue(object: unknown, path: string): string {
  let value = object;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[name];
  return value === undefined ? '' : String(value);
}
