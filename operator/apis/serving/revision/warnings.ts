import type { Warning } from '../../kind.ts';
import { instanceWarnings } from '../instance/warnings.ts';
import type { RevisionTemplate } from './types.ts';

/** How a cluster handles a template's revisions differently from Cloud Run. */
export function templateWarnings({ spec }: { spec: { template: RevisionTemplate } }): Warning[] {
  const { metadata, spec: instance } = spec.template;
  return instanceWarnings(instance, 'spec.template.spec', metadata?.annotations);
}
