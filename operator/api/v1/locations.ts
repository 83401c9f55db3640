import type { FastifyInstance } from 'fastify';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import { checkRegion } from '../server/region.ts';

type Params = Readonly<Record<string, string>>;

/**
 * Where and under which domains services can be: a cluster is one region, and nothing is known of who owns a domain, so
 * all of them may be mapped.
 */
export function locationRoutes(app: FastifyInstance, context: ApiContext): void {
  const { region } = context.config.metadata;
  const location = (project = '') => ({
    name: `projects/${project}/locations/${region}`,
    locationId: region,
    displayName: region,
    labels: { 'cloud.googleapis.com/region': region },
  });
  const check = (params: unknown, person: Parameters<ApiContext['resourcesOf']>[0]) => {
    context.resourcesOf(person, (params as Params).project ?? '');
  };
  for (const version of ['v1', 'v2']) {
    app.get(`/${version}/projects/:project/locations`, async ({ params, person }) => {
      check(params, person);
      return { locations: [location((params as Params).project)] };
    });
    app.get(`/${version}/projects/:project/locations/:location`, async ({ params, person, host }) => {
      const { project, location: asked } = params as Params;
      check(params, person);
      if (asked !== region) throw new ApiError('NOT_FOUND', `Location '${asked}' does not exist.`);
      checkRegion(host, asked, context.config);
      return location(project);
    });
  }
  const domains = [
    '/v1/projects/:project/authorizeddomains',
    '/v1/projects/:project/locations/:location/authorizeddomains',
    '/apis/domains.cloudrun.com/v1/namespaces/:project/authorizeddomains',
  ];
  for (const path of domains) {
    app.get(path, async ({ params, person }) => {
      const { project } = params as Params;
      check(params, person);
      // The root of DNS: every domain is below it.
      return { domains: [{ name: `projects/${project}/authorizedDomains/.`, id: '.' }] };
    });
  }
}
