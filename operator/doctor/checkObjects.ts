import type { Facts, KindFacts } from './facts.ts';
import { type Finding, find, knownOr, type Problem } from './finding.ts';

/** So many reasons are named; the rest are their consequences more often than not. */
const MOST_REASONS = 3;

/**
 * Which of people's objects are not ready, by their most frequent reasons. That is a warning: a program of theirs that
 * fails is no failure of Homerun. Pure.
 */
export function checkObjects({ objects }: Facts): Finding[] {
  return knownOr('objects', objects, (kinds) => {
    const counts = kinds.map(({ kind, total }) => `${kind} ${total}`).join(', ');
    return find('objects', `all are ready: ${counts}`, kinds.flatMap(kindProblems));
  });
}

function kindProblems({ kind, resource, total, notReady }: KindFacts): Problem[] {
  if (notReady.length === 0) return [];
  const byCount = notReady.toSorted((a, b) => b.count - a.count);
  const reasons = byCount
    .slice(0, MOST_REASONS)
    .map(({ reason, count, example }) => `${reason} ${count} (${example})`);
  const count = notReady.reduce((sum, each) => sum + each.count, 0);
  const [namespace = '', name = ''] = byCount[0]?.example.split('/') ?? [];
  return [
    {
      state: 'warning',
      found: `${kind}: ${count} of ${total} are not ready: ${reasons.join(', ')}`,
      act: `kubectl describe ${resource} -n ${namespace} ${name} says why.`,
    },
  ];
}

/** Whether the RuntimeClasses that the configuration names exist; nothing where it names none. Pure. */
export function checkRuntimeClasses({ runtimeClasses }: Facts): Finding[] {
  return knownOr('runtime classes', runtimeClasses, (classes) => {
    if (classes.length === 0) return [];
    const problems = classes
      .filter(({ exists }) => !exists)
      .map(
        ({ environment, name }): Problem => ({
          state: 'failed',
          found: `there is no RuntimeClass ${name}: instances of the execution environment ${environment} cannot be made`,
          act: `Install the runtime, or set instance.runtimeClasses.${environment} to one of kubectl get runtimeclasses.`,
        }),
      );
    return find('runtime classes', classes.map(({ name }) => name).join(', '), problems);
  });
}
