import { stringify } from 'yaml';
import { customResourceDefinition } from '../apis/definition.ts';
import type { KindDefinition } from '../apis/kind.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';

/** The YAML file of a kind, with a note that it is generated. */
export function crdFile(kind: KindDefinition): GeneratedFile {
  const body = stringify(customResourceDefinition(kind), { lineWidth: 110, aliasDuplicateObjects: false });
  return {
    path: `crds/${kind.group}_${kind.plural}.yaml`,
    text: `# ${generatedFrom('operator/apis')}\n${body}`,
  };
}
