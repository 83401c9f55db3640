import { conditionOf } from '../../apis/condition.ts';
import { REVISION_CONDITIONS } from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Config } from '../../config.ts';
import { generationOf } from './generation.ts';

export interface HistoryInput {
  revisions: Revision[];
  /** Names of revisions that must stay: routed, tagged, latest created or latest ready. */
  referenced: ReadonlySet<string>;
}

/**
 * The revisions that are not needed any more: the oldest of those without traffic or tag, beyond the number that
 * is always kept, once they are old enough; or at once beyond the number that may be kept at all (Cloud Run
 * quotas: 1000 revisions of a service, the oldest that serve nothing go first).
 */
export function expiredRevisions(
  { revisions, referenced }: HistoryInput,
  limits: Config['revisionHistory'],
  now: number,
): Revision[] {
  const spare = revisions
    .filter(({ metadata }) => !referenced.has(metadata.name) && !metadata.deletionTimestamp)
    .sort((a, b) => generationOf(b) - generationOf(a));
  return spare.filter((revision, newerOnes) => {
    if (newerOnes >= limits.maxNonActive) return true;
    return newerOnes >= limits.minNonActive && isOld(revision, limits, now);
  });
}

function isOld(revision: Revision, limits: Config['revisionHistory'], now: number): boolean {
  const created = Date.parse(revision.metadata.creationTimestamp ?? '');
  const active = conditionOf(revision.status?.conditions, REVISION_CONDITIONS.active);
  const idleSince = active?.status === 'True' ? now : Date.parse(active?.lastTransitionTime ?? '') || created;
  return (
    now - created >= limits.retainSinceCreateSeconds * 1000 &&
    now - idleSince >= limits.retainSinceActiveSeconds * 1000
  );
}
