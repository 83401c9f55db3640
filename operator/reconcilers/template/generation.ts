import { SERVING } from '../../apis/labels.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';

/** The generation of the configuration that a revision was made from. */
export function generationOf(revision: Revision): number {
  return Number(revision.metadata.labels?.[SERVING.configurationGeneration] ?? 0);
}
