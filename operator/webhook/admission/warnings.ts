import type { EffectKind } from '../../apis/annotations/annotation.ts';
import { effectWarning } from '../../apis/annotations/warning.ts';
import { at, type FieldError, keyed } from '../../apis/fieldError.ts';
import type { Execution } from '../../apis/run/execution/types.ts';
import type { ExecutionTemplate, Job } from '../../apis/run/job/types.ts';
import type { Configuration } from '../../apis/serving/configuration/types.ts';
import { BASE_IMAGE_RUNTIME, CLOUD_STORAGE_DRIVER } from '../../apis/serving/instance/platform.ts';
import type { TemplateSpec } from '../../apis/serving/revision/types.ts';
import type { Capabilities } from '../../kube/capabilities.ts';
import type { KubeObject } from '../../kube/types.ts';

/** Longer ones are cut by the API server, and after 4096 characters in all it drops the rest. */
const MAX_LENGTH = 256;
const MAX_WARNINGS = 16;

type Said = Pick<FieldError, 'path' | 'message'>;

/**
 * What a person who applies an object should know although it is accepted: what Cloud Run would refuse, and what a
 * cluster does instead of what only Google's cloud has. kubectl prints one line for each.
 */
export function warningsOf(
  object: KubeObject,
  warned: readonly FieldError[],
  abilities: Capabilities,
): string[] {
  const said = new Set(warned.map(({ path }) => path));
  const effects = effectsOf(object, abilities).filter(({ path }) => !said.has(path));
  return linesOf([...warned, ...effects]);
}

/** As many lines, and as long ones, as an API server hands on. */
export function linesOf(said: readonly Said[]): string[] {
  const lines = said.map(({ path, message }) => cut(`${path}: ${message}`));
  const unique = [...new Set(lines)];
  if (unique.length <= MAX_WARNINGS) return unique;
  const rest = `and ${unique.length - MAX_WARNINGS + 1} more warnings`;
  return [...unique.slice(0, MAX_WARNINGS - 1), rest];
}

function effectsOf(object: KubeObject, abilities: Capabilities): Said[] {
  const annotationEffects = annotationEffectsFor(abilities, effectKindOf(object));
  const own = annotationEffects(object.metadata.annotations, 'metadata.annotations');
  if (object.kind === 'Revision') {
    return [...own, ...specEffects((object as KubeObject & { spec: TemplateSpec }).spec, 'spec')];
  }
  if (object.kind === 'Execution') {
    const task = (object as Execution).spec?.template?.spec;
    return [...own, ...specEffects(task ?? {}, 'spec.template.spec')];
  }
  const template = (object as Partial<Configuration | Job>).spec?.template;
  if (!template) return own;
  const inherited = annotationEffects(template.metadata?.annotations, 'spec.template.metadata.annotations');
  const isTasks = 'template' in template.spec;
  const instance = isTasks ? (template as ExecutionTemplate).spec.template.spec : template.spec;
  const path = isTasks ? 'spec.template.spec.template.spec' : 'spec.template.spec';
  return [...own, ...inherited, ...specEffects(instance as Instance, path)];
}

/** The part of a spec that a cluster may make something else of. */
type Instance = Partial<Pick<TemplateSpec, 'volumes' | 'runtimeClassName'>>;

/** A kind comes from outside, and may be anything. */
function effectKindOf({ kind }: KubeObject): EffectKind {
  if (kind === 'WorkerPool') return kind;
  return kind === 'Job' || kind === 'Execution' ? 'Job' : 'Service';
}

function annotationEffectsFor(abilities: Capabilities, kind: EffectKind) {
  const where = kind === 'WorkerPool' ? 'here' : 'in a cluster';
  return (annotations: Record<string, string> | undefined, path: string): Said[] =>
    Object.entries(annotations ?? {}).flatMap(([key, value]) => {
      const message = effectWarning(key, value, abilities, kind);
      return message ? [{ path: keyed(path, key), message: `has no effect ${where}: ${message}` }] : [];
    });
}

function specEffects({ volumes = [], runtimeClassName }: Instance, path: string): Said[] {
  const said: Said[] = volumes.flatMap(({ csi }, index) => {
    if (csi?.driver !== CLOUD_STORAGE_DRIVER) return [];
    const message = `needs the CSI driver gcsfuse.csi.storage.gke.io in the cluster; without it no instance starts`;
    return [{ path: `${at(`${path}.volumes`, index)}.csi.driver`, message }];
  });
  if (runtimeClassName === BASE_IMAGE_RUNTIME) {
    const message = 'has no effect in a cluster: the image stays as it was built';
    said.push({ path: `${path}.runtimeClassName`, message });
  }
  return said;
}

function cut(line: string): string {
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 3)}...` : line;
}
