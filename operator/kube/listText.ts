import type { ResourceType } from './types.ts';

/** A list as it was sent: the text of each item, and what the list says beside them. */
export interface ListText {
  items: Buffer[];
  envelope: { metadata: { resourceVersion?: string; continue?: string } };
}

const ITEMS = '"items":[';

/**
 * The texts of the items of a list of custom resources, found by how the API server begins an item, without reading them.
 * Quotes within a text are escaped, so that what looks like the beginning of an object is one. Where an item has objects of
 * its own kind inside itself, the texts are parts that are no JSON: whoever reads them notices. Pure.
 * @returns undefined for a list in another form, as those of built-in kinds are.
 */
export function splitList(list: Buffer, { apiVersion, kind }: ResourceType): ListText | undefined {
  const from = list.indexOf(ITEMS) + ITEMS.length;
  const to = list.lastIndexOf(']');
  const envelope = envelopeOf(list, from, to);
  if (!envelope) return undefined;
  const beginning = `{"apiVersion":"${apiVersion}","kind":"${kind}","metadata":{`;
  if (from < to && list.toString('latin1', from, from + beginning.length) !== beginning) return undefined;
  const items: Buffer[] = [];
  for (let at = from; at < to; ) {
    const next = list.indexOf(`},${beginning}`, at, 'latin1');
    const end = next < 0 ? to : next + 1;
    items.push(list.subarray(at, end));
    at = end + 1;
  }
  return { items, envelope };
}

/** The list without its items; undefined where these are not what is between `from` and `to`. */
function envelopeOf(list: Buffer, from: number, to: number): ListText['envelope'] | undefined {
  if (from < ITEMS.length || to < from) return undefined;
  try {
    // Each of them is JSON only where the items are a field of the list itself.
    const before = JSON.parse(`${list.toString('utf8', 0, from)}]}`);
    const after = JSON.parse(`{${ITEMS}${list.toString('utf8', to)}`);
    return { metadata: {}, ...before, ...after };
  } catch {
    return undefined;
  }
}
