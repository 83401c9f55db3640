import type { Capabilities } from '../../kube/types.ts';
import type { ValueRule } from './values.ts';

/** What an annotation stands on: an object of this kind, or the template of its instances or tasks. */
export type AnnotationHolder =
  | 'service'
  | 'revision'
  | 'job'
  | 'executionTemplate'
  | 'execution'
  | 'workerPool';

/** Holders that several annotations have in common. */
export const SERVICE = ['service'] as const;
export const REVISION = ['revision'] as const;
export const JOB = ['job'] as const;
export const EXECUTION = ['execution'] as const;
export const SCALED = ['service', 'workerPool'] as const;
export const BUILT = ['service', 'job', 'workerPool'] as const;
export const TASKS = ['executionTemplate', 'execution'] as const;
export const INSTANCES = [...REVISION, ...TASKS] as const;
export const EVERYWHERE = [...BUILT, ...INSTANCES] as const;

/**
 * What a cluster makes of an annotation:
 * - `honoured`: the same as Cloud Run
 * - `stored`: it is stored and shown, and changes nothing, because it describes the object
 * - `ignored`: something else, which the note says; whoever applies it is warned
 * - `knative`: Knative Serving honours it and so does Homerun; Cloud Run does not know it, which strict mode rejects
 */
export interface Effect {
  outcome: 'honoured' | 'stored' | 'ignored' | 'knative';
  /** How, or what happens instead: the warning of an ignored annotation, and a part of its line in docs/contract.md. */
  note?: string;
  /** Values that ask for nothing that a cluster cannot give: no warning. */
  unless?: (value: string) => boolean;
  /** What the cluster must be capable of, and the warning where it is not. */
  needs?: { capability: keyof Capabilities; otherwise: string };
}

/** Kinds on which, with what is made from them, annotations may have different effects. */
export type EffectKind = 'Service' | 'Job' | 'WorkerPool';

/** One annotation: the only place that declares its key, holders, values and effects. */
export interface Annotation {
  key: string;
  /** On anything else it has no effect, and admission says where it belongs: the first of these. */
  on: readonly AnnotationHolder[];
  /** Undefined: any text. */
  value?: ValueRule;
  effect: Effect;
  /** The effect on these kinds and their templates, where it differs. */
  effects?: Partial<Record<Exclude<EffectKind, 'Service'>, Effect>>;
  /**
   * What does not take it over from its parent because it is about the parent alone: `child` is a Configuration, a
   * Route or a Revision, `execution` an Execution with the template of its Job.
   */
  notInheritedBy?: readonly ('child' | 'execution')[];
}

/** It has the effect that it has on Cloud Run. */
export const honoured = (note?: string): Effect => ({ outcome: 'honoured', note });

/** It describes the object and changes nothing. */
export const stored = (note?: string): Effect => ({ outcome: 'stored', note });

/** A cluster does something else, unless the value asks for nothing. */
export const ignored = (note: string, unless?: Effect['unless']): Effect => ({
  outcome: 'ignored',
  note,
  unless,
});

/** It has the effect that it has on Knative Serving. */
export const knative = (note: string): Effect => ({ outcome: 'knative', note });

/** The effect of an annotation on a kind and its template. */
export function effectOn({ effect, effects }: Annotation, kind: EffectKind): Effect {
  return (kind === 'Service' ? undefined : effects?.[kind]) ?? effect;
}

/** Name of a row -> key. */
export type KeysOf<T extends Record<string, Annotation>> = { readonly [Name in keyof T]: T[Name]['key'] };

/** The keys of a group of annotations by the names of its rows: what code refers to them by. */
export function keysOf<const T extends Record<string, Annotation>>(rows: T): KeysOf<T> {
  return Object.fromEntries(Object.entries(rows).map(([name, { key }]) => [name, key])) as KeysOf<T>;
}
