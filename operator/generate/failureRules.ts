import { parseConfig } from '../config.ts';
import { FAILURE_RULES, type FailureRule } from '../reconcilers/diagnosis/failureRules.ts';

const SECONDS = parseConfig({}).startup;

/** The part of docs/contract.md about instances that do not start. */
export function failureRulesSection(): string {
  return `## What keeps an instance from starting

The conditions of the revision, execution or worker pool show a problem at once, in the words of the kubelet, the registry
or the program. They stay Unknown for the time given below, during which Kubernetes retries.

${table(Object.values<FailureRule>(FAILURE_RULES))}

What the API server rejects (a quota, a policy, a missing ServiceAccount) makes the condition False at once, but is not
final: the request is repeated, with a back-off of up to five minutes. While a ResourceQuota has no room, only the quota is
read again, on the same terms.

A revision that is retried gets an instance a minute after it failed, then with a back-off of up to 15 minutes, as long as
it is the latest revision of its service or worker pool, or has a share of the traffic or instances. Its Ready stays False,
with the reason, until it starts. Nothing has to be deleted or changed. On the same terms, a registry that does not return an
image's digest is asked again after a second, then with a back-off of up to 15 minutes. A failed revision that has been
replaced asks no registry. An execution is not retried: run its job again.

A revision that has been ready stays ready and keeps its traffic when its instances can no longer start. Its condition
Active gives the reason, and requests that waited in vain get a 503 with that reason ([gateway](gateway.md)). An instance
whose first container the node has not started after ${SECONDS.limitSeconds} s, although its volumes can be mounted, is deleted, so that another one takes its
place.

A Deployment, Service or \`batch/v1\` Job of a needed name that has another owner is left alone and reported with the reason
NotOwned. Homerun creates its own once the other one is deleted.
`;
}

function table(rows: readonly FailureRule[]): string {
  const lines = rows.map(({ description, limit, transient }) => {
    const then = transient ? 'retried automatically' : 'final: change the template';
    return `| ${description} | ${SECONDS[limit]} s (\`startup.${limit}\`) | ${then} |`;
  });
  return `| problem | waits for | then a revision is |
| --- | --- | --- |
${lines.join('\n')}`;
}
