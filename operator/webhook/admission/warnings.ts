import type { EffectKind } from '../../apis/annotations/annotation.ts';
import { effectWarning } from '../../apis/annotations/warning.ts';
import { type FieldError, keyed } from '../../apis/fieldError.ts';
import type { KindDefinition, Warning } from '../../apis/kind.ts';
import type { Capabilities, KubeObject } from '../../kube/types.ts';

/** The API server truncates longer warnings, and drops those beyond 4096 characters in total. */
const MAX_LENGTH = 256;
const MAX_WARNINGS = 16;

/**
 * The warnings of an accepted object: what Cloud Run would reject, and which features of Google Cloud a cluster replaces
 * or ignores. kubectl prints one line for each.
 */
export function warningsOf(
  definition: KindDefinition,
  object: KubeObject,
  strictErrors: readonly FieldError[],
  capabilities: Capabilities,
): string[] {
  const reported = new Set(strictErrors.map(({ path }) => path));
  const effects = effectsOf(definition, object, capabilities).filter(({ path }) => !reported.has(path));
  return linesOf([...strictErrors, ...effects]);
}

/** Warnings as lines, limited to what an API server passes on. */
export function linesOf(warnings: readonly Warning[]): string[] {
  const lines = warnings.map(({ path, message }) => cut(`${path}: ${message}`));
  const unique = [...new Set(lines)];
  if (unique.length <= MAX_WARNINGS) return unique;
  const rest = `and ${unique.length - MAX_WARNINGS + 1} more warnings`;
  return [...unique.slice(0, MAX_WARNINGS - 1), rest];
}

function effectsOf(definition: KindDefinition, object: KubeObject, capabilities: Capabilities): Warning[] {
  const annotationEffects = annotationEffectsFor(capabilities, definition.effectKind ?? 'Service');
  const { metadata, spec } = object as KubeObject & { spec?: { template?: Partial<KubeObject> } };
  return [
    ...annotationEffects(metadata.annotations, 'metadata.annotations'),
    ...annotationEffects(spec?.template?.metadata?.annotations, 'spec.template.metadata.annotations'),
    ...(definition.warnings?.(object) ?? []),
  ];
}

function annotationEffectsFor(capabilities: Capabilities, kind: EffectKind) {
  const where = kind === 'WorkerPool' ? 'here' : 'in a cluster';
  return (annotations: Record<string, string> | undefined, path: string): Warning[] =>
    Object.entries(annotations ?? {}).flatMap(([key, value]) => {
      const message = effectWarning(key, value, capabilities, kind);
      return message ? [{ path: keyed(path, key), message: `has no effect ${where}: ${message}` }] : [];
    });
}

function cut(line: string): string {
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 3)}...` : line;
}
