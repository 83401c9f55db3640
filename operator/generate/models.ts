import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, extname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { KINDS } from '../apis/kinds.ts';
import { crdFile } from './crd.ts';
import type { GeneratedFile } from './file.ts';

const ROOT = 'operator/apis/models';

/** Files of a directory, as paths relative to it. */
async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

/**
 * Fits generated code to `nodenext` and type stripping: relative imports get their suffix (a `.js` that has a
 * `.d.ts` beside it keeps `.js`), and what is only a type is imported as one.
 */
function fitImports(text: string, path: string, files: ReadonlySet<string>): string {
  return text
    .replaceAll(/(from |import )"(\.{1,2}\/[^"]+)"/g, (all, keyword: string, target: string) => {
      const base = join(dirname(path), target);
      const suffixes = { '.ts': `${base}.ts`, '.js': `${base}.js`, '/index.ts': join(base, 'index.ts') };
      const found = Object.entries(suffixes).find(([, file]) => files.has(file));
      return found ? `${keyword}"${target}${found[0]}"` : all;
    })
    .replaceAll(/import (\{ I\w+ \} from "@kubernetes-models\/apimachinery\/)/g, 'import type $1')
    .replaceAll(/import (\{ ValidateFunc \} from)/g, 'import type $1')
    .replaceAll(/\bModelData,/g, 'type ModelData,');
}

/** Typed models of every kind: what `@kubernetes-models/crd-generate` makes of the CRDs. */
export async function models(): Promise<GeneratedFile[]> {
  const folder = await mkdtemp(join(tmpdir(), 'homerun-models-'));
  const [input, output] = [join(folder, 'crds.yaml'), join(folder, 'models')];
  try {
    await writeFile(input, KINDS.map((kind) => crdFile(kind).text).join('---\n'));
    // In a process of its own: its ES modules do not load in Node, and it writes to the terminal.
    const program = join(
      dirname(createRequire(import.meta.url).resolve('@kubernetes-models/crd-generate')),
      '../bin/crd-generate.js',
    );
    await promisify(execFile)(process.execPath, [program, '--input', input, '--output', output]);
    const paths = await filesBelow(output);
    const known = new Set(paths);
    return await Promise.all(
      paths.map(async (path) => {
        const text = await readFile(join(output, path), 'utf8');
        const code = ['.ts', '.js'].includes(extname(path));
        return { path: join(ROOT, path), text: code ? fitImports(text, path, known) : text };
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
