import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { KubeObject } from '../../kube/types.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { post } from './installation.ts';

/** What public repositories deploy, by its origin. */
export function publicManifests(): Map<string, KubeObject> {
  const text = readFileSync(new URL('./public.yaml', import.meta.url), 'utf8');
  const documents = text.split(/^--- # /m).slice(1);
  return new Map(documents.map((each) => [each.slice(0, each.indexOf('\n')), parse(`# ${each}`)]));
}

/** What the API server makes of a new object of ours, or says no with; nothing is stored. */
export function dryRun(server: ApiServer, object: KubeObject) {
  return post<KubeObject & { message?: string }>(server, object, '?dryRun=All&fieldValidation=Strict');
}
