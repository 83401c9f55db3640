import { type Condition, conditionOf, isTrue, READY } from '../apis/condition.ts';
import type { KindDefinition } from '../apis/kind.ts';
import { KINDS_BY_NAME } from '../apis/kinds.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, keyOfObject, type ResourceType } from '../kube/types.ts';
import type { KindFacts, ReasonFacts } from './facts.ts';

/** What people write; what is made of these shows in their conditions. */
const WRITTEN: readonly KindDefinition[] = [
  KINDS_BY_NAME.services,
  KINDS_BY_NAME.jobs,
  KINDS_BY_NAME.workerPools,
  KINDS_BY_NAME.domainMappings,
];
/** Answers of this size are kept small, however many objects there are. */
const PAGE = 250;
/** An object may take so long to become ready, in ms, before that is worth a word. */
const PATIENCE_MS = 10 * 60_000;

type WithConditions = KubeObject & { status?: { conditions?: Condition[] } };

/** Which objects are not ready and why. @param namespaces those to look in; all when empty. */
export async function gatherObjects(
  client: KubeClient,
  namespaces: readonly string[],
  now: number,
): Promise<KindFacts[]> {
  const facts: KindFacts[] = [];
  for (const { type, group, kind, plural } of WRITTEN) {
    const tally = new Map<string, ReasonFacts>();
    let total = 0;
    for (const namespace of namespaces.length > 0 ? namespaces : [undefined]) {
      for await (const page of pagesOf(client, type, namespace)) {
        total += page.length;
        countReasons(tally, page, now);
      }
    }
    facts.push({ kind, resource: `${plural}.${group}`, total, notReady: [...tally.values()] });
  }
  return facts;
}

async function* pagesOf(
  client: KubeClient,
  type: ResourceType<WithConditions>,
  namespace: string | undefined,
): AsyncGenerator<WithConditions[]> {
  let next: string | undefined;
  do {
    const page = await client.list(type, { namespace, limit: PAGE, continue: next });
    yield page.items;
    next = page.continue;
  } while (next);
}

/** Adds the objects that are not ready to their reasons. */
export function countReasons(
  tally: Map<string, ReasonFacts>,
  objects: readonly WithConditions[],
  now: number,
): void {
  for (const object of objects) {
    const reason = reasonOf(object, now);
    if (reason === undefined) continue;
    const known = tally.get(reason) ?? { reason, count: 0, example: keyOfObject(object) };
    known.count += 1;
    tally.set(reason, known);
  }
}

/** Why an object is not ready; undefined when it is, when it goes, or when it may still become so in time. */
function reasonOf({ metadata, status }: WithConditions, now: number): string | undefined {
  if (metadata.deletionTimestamp) return undefined;
  const ready = conditionOf(status?.conditions, READY);
  if (isTrue(ready)) return undefined;
  const since = Date.parse(ready?.lastTransitionTime ?? metadata.creationTimestamp ?? '');
  if (ready?.status !== 'False' && now - since < PATIENCE_MS) return undefined;
  return ready?.reason ?? 'NotReconciled';
}
