import { buildScene, submitBuild } from '../../build/builds.ts';
import { readSubmission } from '../../build/request.ts';
import { buildOperation } from '../../build/view.ts';
import { type Handler, sceneOf } from '../call.ts';
import { parseName } from '../names.ts';

/** google.cloud.run.v2.Builds: the build and its operation are Cloud Build's from then on (build/part.ts). */
export const BUILD_METHODS: Readonly<Record<string, Handler>> = {
  SubmitBuild: async (call) => {
    const { context, person, request } = call;
    const name = parseName(request.parent, 'parent', '');
    sceneOf(call, name);
    const { project } = name;
    const scene = buildScene(context, person, { project, location: context.config.metadata.region });
    const { namespace, place } = scene;
    const asked = readSubmission(request, { namespace, bucket: place.bucket, config: context.config });
    const build = await submitBuild(scene, asked);
    return { buildOperation: buildOperation(build, place) };
  },
};
