import { RUN as RUN_ANNOTATIONS } from '../apis/annotations/run.ts';
import type { KindDefinition } from '../apis/kind.ts';
import { KINDS } from '../apis/kinds.ts';
import { RUN } from '../apis/labels.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';

/**
 * What Argo CD's health check is for: a whole group where each of its kinds has a condition of health, else the kinds
 * that have one (Argo CD, Resource Health).
 */
export function healthPatterns(kinds: readonly KindDefinition[]): string[] {
  return [...Map.groupBy(kinds, ({ group }) => group)].flatMap(([group, members]) => {
    if (members.every(({ healthCondition }) => healthCondition)) return [`${group}/*`];
    return members.flatMap(({ kind, healthCondition }) => (healthCondition ? [`${group}/${kind}`] : []));
  });
}

/** docs/argocd.md. */
export function argocdFile(): GeneratedFile {
  const types = [...new Set(KINDS.flatMap(({ healthCondition }) => healthCondition ?? []))].sort().reverse();
  const isHealth = types.map((type) => `condition.type == "${type}"`).join(' or ');
  const checks = healthPatterns(KINDS).map((pattern) => healthCheck(pattern, isHealth));
  return { path: 'docs/argocd.md', text: page(checks.join('')) };
}

function healthCheck(pattern: string, isHealth: string): string {
  return `    "${pattern}":
      health.lua: |
        local health = { status = "Progressing", message = "Waiting for the controller." }
        if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
          return health
        end
        for _, condition in ipairs(obj.status.conditions or {}) do
          if ${isHealth} then
            health.message = condition.message or ""
            if condition.status == "True" then
              health.status = "Healthy"
            elseif condition.status == "False" then
              health.status = "Degraded"
            end
          end
        end
        return health
`;
}

function page(checks: string): string {
  return `<!-- ${generatedFrom('operator/apis and operator/generate/argocd.ts')} -->
# With Argo CD

Commit manifests to Git as they are. Defaults that admission sets do not show up as differences in Argo CD, with its default
comparison and without \`ignoreDifferences\`, and syncing again creates no revision. Configurations, routes, revisions,
executions and pods appear below their owner and are never pruned.

## Health

Add these health checks to the ConfigMap \`argocd-cm\`. Argo CD has one of its own for Services, which agrees with this one
except that it calls a Service healthy that has been changed and that no controller has looked at since:

\`\`\`yaml
data:
  resource.customizations: |
${checks}\`\`\`

A job is healthy when it can be run, and an execution when all of its tasks have succeeded. A failed or cancelled execution
is degraded, and its message gives the reason.

## Numbers of instances

The numbers of Deployments belong to Homerun: changing one by hand neither shows in Argo CD nor lasts. The number of a worker
pool's instances may be changed by \`kubectl scale\`, KEDA or a HorizontalPodAutoscaler. Argo CD shows no difference and leaves
it so, with \`selfHeal\` too, until the annotation \`${RUN_ANNOTATIONS.manualInstanceCount}\` has another value in Git.

## A job at each sync

An Execution as a hook runs a job, such as a database migration, at each sync of the application. The sync waits for it and
fails if it fails. This needs the health check above.

\`\`\`yaml
apiVersion: run.googleapis.com/v1
kind: Execution
metadata:
  name: migrate
  labels: {${RUN.job}: migrate}
  annotations:
    argocd.argoproj.io/hook: Sync
    argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
    argocd.argoproj.io/sync-wave: "1"    # after the job itself, which is in wave 0
\`\`\`

Give objects that must wait for the migration, such as the Service, a later wave. Each sync replaces the execution of the last
one. A \`generateName\` would not do: Argo CD looks for an object that has an owner, as an execution has its job, by its name in Git
alone, and would wait for ever.
`;
}
