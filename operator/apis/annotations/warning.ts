import type { Capabilities } from '../../kube/types.ts';
import { type EffectKind, effectOn } from './annotation.ts';
import { ANNOTATIONS } from './table.ts';

/**
 * What happens instead when an annotation asks for something that this cluster does not do; undefined when it does.
 * @param kind of the object on which, or on whose template, the annotation stands.
 */
export function effectWarning(
  key: string,
  value: string,
  capabilities: Capabilities,
  kind: EffectKind,
): string | undefined {
  const annotation = ANNOTATIONS.get(key);
  if (!annotation) return undefined;
  const { outcome, note, unless, needs } = effectOn(annotation, kind);
  if (unless?.(value)) return undefined;
  if (outcome === 'ignored') return note;
  return needs && !capabilities[needs.capability] ? needs.otherwise : undefined;
}
