import type { KubeObject, ResourceType } from '../../kube/types.ts';

/** Who asks. */
export interface Person {
  /** The name of the user, as the cluster's access rules know it. */
  name: string;
  groups: readonly string[];
  email?: string;
}

/** Which part of a list. */
export interface Page {
  limit?: number;
  continue?: string;
  labelSelector?: string;
}

/** What one person does in one project (a namespace); every call is made as that person and throws ApiError. */
export interface Resources {
  readonly namespace: string;
  readonly person: Person;
  get<T extends KubeObject>(type: ResourceType<T>, name: string): Promise<T>;
  list<T extends KubeObject>(type: ResourceType<T>, page?: Page): Promise<{ items: T[]; continue?: string }>;
  create<T extends KubeObject>(
    type: ResourceType<T>,
    object: Partial<T>,
    options?: { dryRun?: boolean },
  ): Promise<T>;
  /**
   * metadata.resourceVersion, when given, must be the stored one: ABORTED otherwise.
   * @param options.stored the object of this version, where it has been read already.
   */
  replace<T extends KubeObject>(
    type: ResourceType<T>,
    object: Partial<T>,
    options?: { dryRun?: boolean; stored?: T },
  ): Promise<T>;
  delete(
    type: ResourceType,
    name: string,
    options?: { resourceVersion?: string; dryRun?: boolean },
  ): Promise<void>;
}
