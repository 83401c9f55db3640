import type { ApiPart } from '../context.ts';
import { ApiError } from '../errors.ts';

/** What a client is answered that would have a source built. */
export const NO_BUILDS = 'Homerun builds no sources yet: push an image and deploy that.';

/** Artifact Registry, whose repository for what is built gcloud asks for before anything else of `run deploy --source`. */
export const BUILDS: ApiPart = {
  routes(app) {
    for (const path of ['repositories', 'repositories/:name']) {
      app.route({
        method: ['GET', 'POST'],
        url: `/v1/projects/:project/locations/:location/${path}`,
        handler: async () => {
          throw new ApiError('UNIMPLEMENTED', NO_BUILDS);
        },
      });
    }
  },
};
