import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'undici';
import { parse } from 'yaml';
import { KINDS } from '../../apis/kinds.ts';
import { resourcePath } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { NAMESPACE } from './installation.ts';

/** What public repositories deploy, by its origin. */
export function publicManifests(): Map<string, KubeObject> {
  const text = readFileSync(new URL('./public.yaml', import.meta.url), 'utf8');
  const documents = text.split(/^--- # /m).slice(1);
  return new Map(documents.map((each) => [each.slice(0, each.indexOf('\n')), parse(`# ${each}`)]));
}

/** What the API server makes of a new object of ours, or says no with; nothing is stored. */
export async function dryRun({ connection }: ApiServer, object: KubeObject) {
  const kind = KINDS.find(({ kind }) => kind === object.kind);
  assert.ok(kind, object.kind);
  const type = { apiVersion: object.apiVersion, kind: kind.kind, plural: kind.plural, namespaced: true };
  const path = resourcePath(type, { namespace: NAMESPACE });
  const answer = await request(`${connection.server}${path}?dryRun=All&fieldValidation=Strict`, {
    dispatcher: connection.dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(object),
  });
  const body = (await answer.body.json()) as KubeObject & { message?: string };
  return { status: answer.statusCode, warnings: [answer.headers.warning ?? []].flat(), body };
}
