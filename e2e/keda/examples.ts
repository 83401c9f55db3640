import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../operator/kube/types.ts';
import type { Trigger } from './trigger.ts';

export interface ScaledObject extends KubeObject {
  spec: { triggers: (Trigger & { authenticationRef?: { name: string } })[] };
}

/** The objects of docs/worker-pools.md, those of one example together. */
export function examples(): KubeObject[][] {
  const text = readFileSync(new URL('../../docs/worker-pools.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replace(/^ {4}/gm, ''));
  return blocks
    .filter((block) => block.startsWith('apiVersion:'))
    .map((block) => parseAllDocuments(block).map((document) => document.toJS() as KubeObject));
}

/** The ScaledObject of the examples whose trigger is of a type. */
export function scaledObject(type: string): ScaledObject {
  const found = (examples().flat() as ScaledObject[]).find(({ spec }) => spec.triggers?.[0]?.type === type);
  if (!found) throw new Error(`docs/worker-pools.md has no trigger ${type}`);
  return found;
}
