import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { KubeObject } from '../../operator/kube/types.ts';

const text = readFileSync(new URL('../../docs/flux.md', import.meta.url), 'utf8');
const [kustomization, execution] = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = '']) =>
  parse(yaml),
);

/** The spec of the Kustomization of docs/flux.md. */
export const SPEC: { healthCheckExprs: object[] } & Record<string, unknown> = kustomization.spec;

/** The Execution of docs/flux.md, which runs the job `migrate`. */
export const MIGRATION: KubeObject = execution;
