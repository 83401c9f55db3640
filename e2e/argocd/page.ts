import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { KubeObject } from '../../operator/kube/types.ts';

const text = readFileSync(new URL('../../docs/argocd.md', import.meta.url), 'utf8');
const [settings, hook] = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = '']) => parse(yaml));

/** What docs/argocd.md adds to the data of the ConfigMap argocd-cm. */
export const SETTINGS: Record<string, string> = settings.data;

/** The hook of docs/argocd.md, which runs the job `migrate` at each sync. */
export const HOOK: KubeObject = hook;
