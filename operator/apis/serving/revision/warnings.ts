import type { Warning } from '../../kind.ts';
import { instanceWarnings } from '../instance/warnings.ts';
import type { RevisionTemplate } from './types.ts';

/** What a cluster does differently with the revisions that an object's template makes. */
export function templateWarnings({ spec }: { spec: { template: RevisionTemplate } }): Warning[] {
  return instanceWarnings(spec.template.spec, 'spec.template.spec');
}
