import type { TSchema } from 'typebox';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import type { EffectKind } from './annotations/annotation.ts';
import type { FieldError } from './fieldError.ts';
import type { ReferencedJob } from './run/execution/validation.ts';
import type { CelRule } from './schema.ts';

/**
 * All that is declared of a kind, in `kind.ts` of its folder. Its CRD, admission, watches, permissions, roles of people
 * and documentation follow from this.
 */
export interface KindDeclaration<T extends KubeObject> {
  shortNames: readonly string[];
  categories: readonly string[];
  /** One sentence for `kubectl explain` and the documentation. */
  description: string;
  columns: readonly PrinterColumn[];
  /** Longest name of an object. */
  maxNameLength: number;
  /** Which names an object may have; a DNS label that starts with a letter when left out. */
  namePattern?: string;
  spec: TSchema;
  /** The schema of `spec` before its defaults are set, where that is another one. */
  written?: TSchema;
  /** Whether an object may be written without its spec. */
  specOptional?: boolean;
  /** Parts of the spec that mean something only as a whole: one that is sent back as it is stored is not judged again. */
  parts: readonly string[];
  status: TSchema;
  /** Rules on the whole object: they alone see `self.metadata.name`. */
  rules: readonly CelRule[];
  /** Where the subresource `/scale` reads and writes, for `kubectl scale` and autoscalers; a kind without has none. */
  scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath: string };
  /** Annotations that name the requesting user; an object that only controllers make has none. */
  authors?: AuthorKeys;
  /** Whose effects in the annotation table its annotations have; those of a Service when left out. */
  effectKind?: EffectKind;
  /**
   * The object with its defaults set; where nothing but defaults would change, what is stored is kept. Pure.
   * @param previous the stored object that it replaces.
   */
  default(object: T, previous?: T, referenced?: ReferencedObjects): T;
  /** What is wrong with the object that its schema cannot say. Pure. */
  validate(object: T, previous?: T, referenced?: ReferencedObjects): FieldError[];
  /** The condition that shows its health in Argo CD and Flux; none where its owner shows it. */
  healthCondition?: 'Ready' | 'Completed';
  /** What a cluster does differently although nothing is wrong with the object, beside annotations. Pure. */
  warnings?(object: T): Warning[];
}

/** A kind and where it lives in the API. */
export interface KindDefinition<T extends KubeObject = KubeObject> extends KindDeclaration<T> {
  type: ResourceType<T>;
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  written: TSchema;
}

/** Objects of a kind. */
export type ObjectOf<K> = K extends KindDefinition<infer T> ? T : never;

export interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'date';
  jsonPath: string;
  /** Above 0: only in the wide output. */
  priority?: number;
}

/** Keys of the annotations that name who created an object and who changed its spec last. */
export interface AuthorKeys {
  creator: string;
  lastModifier: string;
}

/** A field and what the cluster does with it instead. */
export type Warning = Pick<FieldError, 'path' | 'message'>;

/** Other objects that validation and defaults depend on; one that was not looked up is left out. */
export interface ReferencedObjects {
  job?: ReferencedJob;
  /** Names of a worker pool's revisions. */
  revisions?: readonly string[];
  /** Names of base images -> the images that they stand for, of the cluster's configuration. */
  baseImages?: Readonly<Record<string, string>>;
}

/** A kind with the names that follow from its type. */
export function defineKind<T extends KubeObject>(
  type: ResourceType<T>,
  declaration: KindDeclaration<T>,
): KindDefinition<T> {
  const { apiVersion, kind, plural } = type;
  const [group = '', version = ''] = apiVersion.split('/');
  const names = { type, group, version, kind, plural, singular: kind.toLowerCase() };
  return { ...names, ...declaration, written: declaration.written ?? declaration.spec };
}
