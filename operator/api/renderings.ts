import { frozen } from '../kube/json.ts';
import type { KubeObject } from '../kube/types.ts';

/** What frozen objects look like, by the names of the views. */
const renderings = new WeakMap<KubeObject, Map<string, object>>();
/** The JSON of those. */
const texts = new WeakMap<object, string>();

/**
 * An object as a view shows it. Of one that is frozen, as those of lists are, it is remembered for as long as the object is.
 * @param view names all that the rendering depends on besides the object.
 */
export function rendered<T extends object>(object: KubeObject, view: string, render: () => T): T {
  if (!Object.isFrozen(object)) return render();
  const known = renderings.get(object) ?? new Map<string, object>();
  const found = known.get(view);
  if (found) return found as T;
  const shown = frozen(render());
  renderings.set(object, known.set(view, shown));
  texts.set(shown, JSON.stringify(shown));
  return shown;
}

/** The JSON of an answer. Of what {@link rendered} has remembered in its lists, it is the text from then. */
export function jsonOf(answer: unknown): string {
  const fields = Object.entries(answer ?? {});
  if (!fields.some(([, value]) => hasRendered(value))) return JSON.stringify(answer);
  const set = fields.filter(([, value]) => value !== undefined);
  const pieces = set.flatMap(([name, value], i) => [
    `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`,
    ...(hasRendered(value) ? listPieces(value) : [JSON.stringify(value)]),
  ]);
  // Joined at once: each text between would be one more copy of the list.
  return [...pieces, '}'].join('');
}

function hasRendered(value: unknown): value is readonly object[] {
  return Array.isArray(value) && texts.has(value[0]);
}

function listPieces(items: readonly object[]): string[] {
  const pieces = items.flatMap((item, i) => [i === 0 ? '[' : ',', texts.get(item) ?? JSON.stringify(item)]);
  return [...pieces, ']'];
}
