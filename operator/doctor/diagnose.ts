import { checkObjects, checkRuntimeClasses } from './checkObjects.ts';
import { checkOptionalRole, checkRole } from './checkRoles.ts';
import { checkWebhook } from './checkWebhook.ts';
import type { Facts } from './facts.ts';
import { type Finding, find, knownOr, type Problem } from './finding.ts';

/** A request that takes longer than this, in ms, makes everything else slow; a healthy API server takes some 10. */
const SLOW_MS = 1_000;

/**
 * Whether all is well and what is not, in about ten lines in the order in which to mend them: what comes first often
 * explains the rest. Pure.
 */
export function diagnose(facts: Facts): Finding[] {
  const { apiServer } = facts;
  if ('unknown' in apiServer) {
    const act =
      'Look at the API server, at KUBECONFIG, and at network policies for the port of the API server.';
    return find('API server', '', [{ state: 'failed', found: apiServer.unknown, act }]);
  }
  const { version, latencyMs } = apiServer.found;
  const answers = `${version} answers in ${latencyMs} ms`;
  return [
    ...find('API server', answers, latencyMs > SLOW_MS ? [slow(answers)] : []),
    ...checkDefinitions(facts),
    ...checkWebhook(facts),
    ...checkController(facts),
    ...checkGateways(facts),
    ...checkMetadata(facts),
    ...checkOptionalRole(facts, 'node'),
    ...checkOptionalRole(facts, 'api'),
    ...checkRuntimeClasses(facts),
    ...checkObjects(facts),
  ];
}

function slow(found: string): Problem {
  return {
    state: 'warning',
    found,
    act: 'Changes take effect late: look at the load of the API server and of etcd, and at the disk of etcd.',
  };
}

function checkDefinitions({ definitions, version }: Facts): Finding[] {
  return knownOr('definitions', definitions, (found) => {
    const named = (state: string) => found.filter((each) => each.state === state).map(({ name }) => name);
    const [missing, different] = [named('missing'), named('different')];
    const act = `Upgrade with the chart of version ${version}: helm upgrade homerun charts/homerun.`;
    const problems: Problem[] = [];
    if (missing.length > 0) problems.push({ state: 'failed', found: `missing: ${missing.join(', ')}`, act });
    if (different.length > 0)
      problems.push({
        state: 'warning',
        found: `not as version ${version} has them: ${different.join(', ')}`,
        act,
      });
    return find('definitions', `all ${found.length} are as version ${version} has them`, problems);
  });
}

function checkController(facts: Facts): Finding[] {
  const { lease, now, namespace } = facts;
  const act = `kubectl logs -n ${namespace} -l app.kubernetes.io/component=controller says what it waits for.`;
  return knownOr('controller', lease, (found) => {
    const failed = (found: string) => checkRole(facts, 'controller', '', [{ state: 'failed', found, act }]);
    if (!found?.holder) return failed('no replica leads: nothing is reconciled');
    const { holder, renewedAt, seconds } = found;
    if (renewedAt === undefined) return failed(`${holder} leads, and does not say when it renewed its lease`);
    const age = Math.max(0, Math.round((now - renewedAt) / 1_000));
    const leads = `${holder} leads, and renewed its lease ${age} s ago`;
    return age > seconds ? failed(leads) : checkRole(facts, 'controller', leads);
  });
}

function checkGateways(facts: Facts): Finding[] {
  const { gateways, namespace } = facts;
  return knownOr('gateway', gateways, ({ routes, known }) => {
    const problems = Object.entries(known).flatMap(([pod, count]): Problem[] => {
      if ('unknown' in count)
        return [
          {
            state: 'warning',
            found: `${pod} does not say what it knows: ${count.unknown}`,
            act: 'Look at network policies for port 9090 of the gateways: the autoscaler needs it too.',
          },
        ];
      if (count.found >= routes.least && count.found <= routes.most) return [];
      return [
        {
          state: 'failed',
          found: `${pod} knows ${count.found} of ${routes.most} routes`,
          act: `kubectl logs -n ${namespace} ${pod} says why its watch of routes is behind.`,
        },
      ];
    });
    return checkRole(facts, 'gateway', `all know ${routes.most} routes`, problems);
  });
}

function checkMetadata(facts: Facts): Finding[] {
  return knownOr('metadata', facts.wanted, ({ metadata }) =>
    metadata ? checkRole(facts, 'metadata') : checkOptionalRole(facts, 'metadata'),
  );
}
