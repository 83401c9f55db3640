import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { KubeObject } from '../../kube/types.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { post } from './installation.ts';

/** Manifests of public repositories by origin. */
export function publicManifests(): Map<string, KubeObject> {
  const text = readFileSync(new URL('./public.yaml', import.meta.url), 'utf8');
  const documents = text.split(/^--- # /m).slice(1);
  return new Map(documents.map((each) => [each.slice(0, each.indexOf('\n')), parse(`# ${each}`)]));
}

/** The API server's response to the creation of an object as a dry run. */
export function dryRun(server: ApiServer, object: KubeObject) {
  return post<KubeObject & { message?: string }>(server, object, '?dryRun=All&fieldValidation=Strict');
}
