import { HOMERUN } from '../apis/annotations/homerun.ts';
import { RUN as RUN_ANNOTATIONS } from '../apis/annotations/run.ts';
import type { KindDefinition } from '../apis/kind.ts';
import { KINDS } from '../apis/kinds.ts';
import { RUN } from '../apis/labels.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';

/** docs/flux.md. */
export function fluxFile(): GeneratedFile {
  return { path: 'docs/flux.md', text: page(KINDS.map(healthCheck).join('')) };
}

/** What spec.healthCheckExprs of a Kustomization takes; nothing for a kind whose owner shows its health. */
function healthCheck({ group, version, kind, healthCondition }: KindDefinition): string {
  if (!healthCondition) return '';
  const is = (status: string) =>
    `status.conditions.exists(e, e.type == '${healthCondition}' && e.status == '${status}')`;
  return `    - apiVersion: ${group}/${version}
      kind: ${kind}
      failed: ${is('False')}
      current: ${is('True')}
`;
}

function page(checks: string): string {
  return `<!-- ${generatedFrom('operator/apis and operator/generate/flux.ts')} -->
# With Flux

Commit manifests to Git as they are. Defaults that admission sets are no drift to Flux: reconciling again writes nothing,
however often the number of instances has changed.

\`\`\`yaml
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: shop
  namespace: flux-system
spec:
  sourceRef: {kind: GitRepository, name: shop}
  path: ./shop
  targetNamespace: demo
  interval: 10m
  timeout: 5m
  prune: true
  wait: true
  healthCheckExprs:
${checks}\`\`\`

## Health

With these checks the Kustomization is ready when all of its objects are, as they are in Git: a service when it serves
the revisions that it is to serve, a worker pool when its instances run, a job when it can be run, an execution when all of
its tasks have succeeded. It fails as soon as one of them has failed, and names that one; \`kubectl describe\` of it gives the
reason. What admission refuses is in the message of the Kustomization, field by field, and none of its objects is applied.

Without the checks Flux judges by rules of its own for kinds that it does not know. It takes a new object, which no controller
has looked at yet, and any execution as ready, and it waits for a service that has failed until the timeout. Checks of this
form need kustomize-controller 1.5 or newer.

## Changes by hand

Flux undoes what \`kubectl\` has changed when it reconciles the next time: it sets what is in Git, and removes annotations and
other fields that are not. A job that the annotation \`${HOMERUN.run}\` has started runs on.

The number of a worker pool's instances may be changed by \`kubectl scale\`, KEDA or a HorizontalPodAutoscaler. Flux leaves it so
until the annotation \`${RUN_ANNOTATIONS.manualInstanceCount}\` has another value in Git. The numbers of Deployments belong to
Homerun.

## A job before the rest

An Execution in Git runs a job once, such as a database migration. A Kustomization that depends on the one with the Execution is
applied when all tasks have succeeded, and not at all if they fail:

\`\`\`yaml
apiVersion: run.googleapis.com/v1
kind: Execution
metadata:
  name: migrate-1    # another name runs the job again
  labels: {${RUN.job}: migrate}
\`\`\`

Keep it in a Kustomization of its own, which depends on the one with the job: an execution runs what its job is at the moment
when it is made, and Flux applies the objects of one Kustomization in an order of its own.
`;
}
