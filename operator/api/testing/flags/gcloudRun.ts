import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlagCase } from '../../flags/flag.ts';
import type { Gcloud } from '../gcloud.ts';
import { filled, type Words } from '../words.ts';
import type { Done } from './run.ts';

/** Runs a command of the table with gcloud. */
export async function runGcloud({ folder, run }: Gcloud, { command }: FlagCase, words: Words): Promise<Done> {
  const source = join(folder, 'source');
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'Dockerfile'), 'FROM scratch\n');
  writeFileSync(join(folder, 'env.yaml'), 'FROM: file\n');
  const files: Words = { ...words, SOURCE: source };
  const args = command
    .split(' ')
    .map((arg) => filled(arg, files).replace(/^(--[a-z-]+)=env\.yaml$/, `$1=${join(folder, 'env.yaml')}`));
  return run(args);
}
