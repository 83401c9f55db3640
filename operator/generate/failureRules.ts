import { parseConfig } from '../config.ts';
import { FAILURE_RULES, type FailureRule } from '../reconcilers/diagnosis/failureRules.ts';

const SECONDS = parseConfig({}).startup;

/** The part of docs/contract.md that tells what becomes of an instance that does not start. */
export function failureRulesSection(): string {
  return `## What keeps an instance from starting

It is told at once, in the words of the kubelet, of the registry or of the program, in the conditions of the revision, the
execution or the worker pool; they stay Unknown until it has been waited out. Kubernetes tries again meanwhile.

${table(Object.values<FailureRule>(FAILURE_RULES))}

What the API server refuses (a quota, a policy, a service account that is missing) is told as False at once and is not
final: it is asked again, every five minutes in the end. A revision that is tried again by itself gets an instance a minute
after it failed, then ever more seldom, every quarter of an hour in the end, for as long as it is the latest of its service
or worker pool, or has traffic or a share. Its Ready stays False, with what was wrong, until it starts. Nothing has to be
deleted or changed. A registry that does not tell the digest of an image is asked again after a second, then ever more
seldom, every quarter of an hour in the end too, on the same terms: a failed revision that another has replaced asks no
registry any more, and costs nobody's quota. An execution is not tried again: run its job once more.

A revision that has been ready stays ready, and keeps its traffic, when its instances can no longer start. Its condition
Active tells why, and requests that wait in vain are answered 503 with the reason ([gateway](gateway.md)).

A Deployment, a Service or a Job of batch/v1 that somebody else has made under a name that is needed is left alone, and
told with the reason NotOwned; the own one is made when it goes.
`;
}

function table(rows: readonly FailureRule[]): string {
  const lines = rows.map(({ description, limit, transient }) => {
    const then = transient ? 'tried again by itself' : 'stays so: it takes another template';
    return `| ${description} | ${SECONDS[limit]} s (\`startup.${limit}\`) | ${then} |`;
  });
  return `| what | waited out for | then a revision is |
| --- | --- | --- |
${lines.join('\n')}`;
}
