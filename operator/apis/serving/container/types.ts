import type { RevisionSpec, TemplateSpec } from '../revision/types.ts';

/** A container of a template: its name is optional. */
export type TemplateContainer = TemplateSpec['containers'][number];

/** A container with its defaults set. */
export type Container = RevisionSpec['containers'][number];

export type EnvVar = NonNullable<Container['env']>[number];
export type Probe = NonNullable<Container['startupProbe']>;
export type ResourceList = NonNullable<NonNullable<Container['resources']>['limits']>;
export type Volume = NonNullable<RevisionSpec['volumes']>[number];
export type VolumeMount = NonNullable<Container['volumeMounts']>[number];
