import { wrong } from './query.ts';

type Labels = Readonly<Record<string, string>>;
type Test = (labels: Labels) => boolean;

const SET = /^([\w./-]+)\s+(in|notin)\s*\(([^()]*)\)$/;
const EQUALITY = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/;
const EXISTENCE = /^(!?)\s*([\w./-]+)$/;

/**
 * The test that a label selector stands for (Kubernetes, Label selectors), for what the API server does not select:
 * `a = b`, `a != b`, `a in (b, c)`, `a notin (b)`, `a`, `!a`, with commas.
 * @throws {ApiError} INVALID_ARGUMENT for anything else.
 */
export function labelTest(selector: string): Test {
  const tests = selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => requirement(part, selector));
  return (labels) => tests.every((test) => test(labels));
}

function requirement(part: string, selector: string): Test {
  const [, setKey, operator, list = ''] = SET.exec(part) ?? [];
  if (setKey) {
    const values = list.split(',').map((value) => value.trim());
    return (labels) => isIn(labels[setKey], values) === (operator === 'in');
  }
  const [, key, sign, value = ''] = EQUALITY.exec(part) ?? [];
  if (key) return (labels) => isIn(labels[key], [value]) === (sign !== '!=');
  const [, not, present] = EXISTENCE.exec(part) ?? [];
  if (present) return (labels) => (labels[present] !== undefined) === (not === '');
  throw wrong('labelSelector', selector, 'a label selector, such as key=value');
}

function isIn(value: string | undefined, values: readonly string[]): boolean {
  return value !== undefined && values.includes(value);
}
