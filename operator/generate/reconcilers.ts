import { KINDS } from '../apis/kinds.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';

/** operator/reconcilers/index.ts: the reconciler of each kind, from `reconciler.ts` in the folder of its name. */
export function reconcilersFile(): GeneratedFile {
  const names = KINDS.map(({ kind }) => kind.charAt(0).toLowerCase() + kind.slice(1));
  const imports = [
    "import type { Reconciler } from './context.ts';",
    ...names.map((name) => `import * as ${name} from './${name}/reconciler.ts';`),
  ];
  const entries = names.map((name) => `  { ...${name}, controller: ${name}.${name}Controller },`);
  const text = `// ${generatedFrom('operator/apis/kinds.ts')}
${imports.sort(byModule).join('\n')}

/** The reconciler of each kind. */
export const RECONCILERS: readonly Reconciler[] = [
${entries.join('\n')}
];
`;
  return { path: 'operator/reconcilers/index.ts', text };
}

/** In the order that the linter wants. */
function byModule(a: string, b: string): number {
  return a.slice(a.indexOf("'")) < b.slice(b.indexOf("'")) ? -1 : 1;
}
