import type { EffectKind } from '../../apis/annotations/annotation.ts';
import { effectWarning } from '../../apis/annotations/warning.ts';
import { type FieldError, keyed } from '../../apis/fieldError.ts';
import type { KindDefinition, Warning } from '../../apis/kind.ts';
import type { Capabilities, KubeObject } from '../../kube/types.ts';

/** Longer ones are cut by the API server, and after 4096 characters in all it drops the rest. */
const MAX_LENGTH = 256;
const MAX_WARNINGS = 16;

/**
 * What a person who applies an object should know although it is accepted: what Cloud Run would reject, and what a
 * cluster does instead of what only Google's cloud has. kubectl prints one line for each.
 */
export function warningsOf(
  definition: KindDefinition,
  object: KubeObject,
  warned: readonly FieldError[],
  abilities: Capabilities,
): string[] {
  const said = new Set(warned.map(({ path }) => path));
  const effects = effectsOf(definition, object, abilities).filter(({ path }) => !said.has(path));
  return linesOf([...warned, ...effects]);
}

/** As many lines, and as long ones, as an API server hands on. */
export function linesOf(said: readonly Warning[]): string[] {
  const lines = said.map(({ path, message }) => cut(`${path}: ${message}`));
  const unique = [...new Set(lines)];
  if (unique.length <= MAX_WARNINGS) return unique;
  const rest = `and ${unique.length - MAX_WARNINGS + 1} more warnings`;
  return [...unique.slice(0, MAX_WARNINGS - 1), rest];
}

function effectsOf(definition: KindDefinition, object: KubeObject, abilities: Capabilities): Warning[] {
  const annotationEffects = annotationEffectsFor(abilities, definition.effectKind ?? 'Service');
  const { metadata, spec } = object as KubeObject & { spec?: { template?: Partial<KubeObject> } };
  return [
    ...annotationEffects(metadata.annotations, 'metadata.annotations'),
    ...annotationEffects(spec?.template?.metadata?.annotations, 'spec.template.metadata.annotations'),
    ...(definition.warnings?.(object) ?? []),
  ];
}

function annotationEffectsFor(abilities: Capabilities, kind: EffectKind) {
  const where = kind === 'WorkerPool' ? 'here' : 'in a cluster';
  return (annotations: Record<string, string> | undefined, path: string): Warning[] =>
    Object.entries(annotations ?? {}).flatMap(([key, value]) => {
      const message = effectWarning(key, value, abilities, kind);
      return message ? [{ path: keyed(path, key), message: `has no effect ${where}: ${message}` }] : [];
    });
}

function cut(line: string): string {
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 3)}...` : line;
}
