import { type TSchema, Type } from 'typebox';

// What several tools take, in the words of Cloud Run's own (Cloud Run, MCP reference).

export const PROJECT = Type.String({ minLength: 1, description: 'The project ID: the namespace.' });
export const REGION = Type.Optional(
  Type.String({ description: "The region. A cluster is one region; it is the cluster's when left out." }),
);
export const NAME = (what: string) =>
  Type.Optional(Type.String({ minLength: 1, description: `The short name of the ${what}.` }));
export const LIMIT = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 1000, description: 'Lines at most, 100 when left out.' }),
);

/** Arguments of a tool about one project. */
export function inProject(properties: Record<string, TSchema> = {}) {
  return Type.Object({ project: PROJECT, region: REGION, ...properties });
}

/** Arguments of a tool about one service. Google's two servers call its name `name` and `service`. */
export function ofOneService(properties: Record<string, TSchema> = {}) {
  return inProject({ name: NAME('service'), service: NAME('service'), ...properties });
}

/** Arguments of a tool about one job. */
export function ofOneJob(properties: Record<string, TSchema> = {}) {
  return inProject({
    job: Type.String({ minLength: 1, description: 'The short name of the job.' }),
    ...properties,
  });
}
