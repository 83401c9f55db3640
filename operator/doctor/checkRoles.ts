import type { Facts, WorkloadFacts } from './facts.ts';
import { type Finding, find, knownOr, type Problem } from './finding.ts';

/**
 * Whether a role that must be there is ready, and what else is known of it. Pure.
 * @param fine what else to say where nothing is wrong.
 * @param problems what else is wrong with it.
 */
export function checkRole(
  facts: Facts,
  role: string,
  fine = '',
  problems: readonly Problem[] = [],
): Finding[] {
  return knownOr(role, facts.workloads, (workloads) => {
    const workload = workloads.find((each) => each.role === role);
    if (!workload) {
      const act = 'Install it: helm upgrade homerun charts/homerun.';
      return find(role, '', [{ state: 'failed', found: 'it is not installed', act }, ...problems]);
    }
    const said = fine ? `${readiness(workload)}; ${fine}` : readiness(workload);
    return find(role, said, [...readinessProblems(workload, facts.namespace), ...problems]);
  });
}

/** The same of a role that an installation need not have. Pure. */
export function checkOptionalRole(facts: Facts, role: string): Finding[] {
  return knownOr(role, facts.workloads, (workloads) =>
    workloads.some((each) => each.role === role) ? checkRole(facts, role) : find(role, 'not installed', []),
  );
}

/** Without it a wake is a second slower, and nothing else. */
const DISPENSABLE = 'node';

function readiness({ ready, wanted }: WorkloadFacts): string {
  return `${ready} of ${wanted} are ready`;
}

/** What its pods lack. An upgrade that is under way is worth a line, as it explains others. */
function readinessProblems(workload: WorkloadFacts, namespace: string): Problem[] {
  const { role, wanted, ready, updated } = workload;
  const act = `kubectl describe pods -n ${namespace} -l app.kubernetes.io/component=${role} says what they wait for.`;
  if (ready < wanted || wanted === 0) {
    const state = ready === 0 && role !== DISPENSABLE ? 'failed' : 'warning';
    return [{ state, found: readiness(workload), act }];
  }
  if (updated >= wanted) return [];
  return [{ state: 'warning', found: `${updated} of ${wanted} are of the newest version`, act }];
}
