import { mergeConditions, READY } from '../../apis/condition.ts';
import { SERVING } from '../../apis/labels.ts';
import type { Configuration } from '../../apis/serving/configuration/types.ts';
import { validateConfiguration } from '../../apis/serving/configuration/validation.ts';
import type { Config } from '../../config.ts';
import type { Plan } from '../../kube/plan.ts';
import type { KubeObject } from '../../kube/types.ts';
import { passingMs } from '../readiness.ts';
import { type RejectionInput, withRejection } from '../rejection.ts';
import { planTemplate, type TemplateInput, type TemplateOwner } from '../template/plan.ts';

export interface ConfigurationInput extends Pick<TemplateInput, 'revisions' | 'named'> {
  configuration: Configuration;
  /** Names of the revisions that some route serves or is to serve. */
  routed: ReadonlySet<string>;
}

/** One revision for each generation of the configuration, and the end of those that no route needs. */
export function planConfiguration(
  { configuration, routed, revisions, named }: ConfigurationInput,
  config: Pick<Config, 'revisionHistory'>,
  now: number,
): Plan<Configuration> {
  const validate = () => validateConfiguration(configuration);
  const input = { owner: ownerOf(configuration), revisions, named, used: routed, validate };
  const { apply, remove, events, names, ready } = planTemplate(input, config.revisionHistory, now);
  const status = {
    observedGeneration: configuration.metadata.generation,
    conditions: mergeConditions(configuration.status?.conditions, [ready], now),
    ...names,
  };
  const statusWaitMs = passingMs(configuration.status, status);
  return { apply, remove, status: { ...configuration, status }, statusWaitMs, events };
}

/** The status of a configuration while the cluster rejects its revision. */
export function rejectedConfiguration(input: RejectionInput): KubeObject {
  return withRejection(input, [READY]);
}

/** A configuration as the owner of its revisions: their number is its generation. */
export function ownerOf(configuration: Configuration): TemplateOwner {
  const { name, uid = '', labels = {}, generation = 1 } = configuration.metadata;
  return {
    object: configuration,
    template: configuration.spec.template,
    number: generation,
    links: {
      [SERVING.configuration]: name,
      [SERVING.configurationUID]: uid,
      ...(labels[SERVING.service] ? { [SERVING.service]: labels[SERVING.service] } : {}),
      ...(labels[SERVING.serviceUID] ? { [SERVING.serviceUID]: labels[SERVING.serviceUID] } : {}),
    },
    ingress: true,
  };
}
