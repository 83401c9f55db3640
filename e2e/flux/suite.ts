import { type GitOps, useGitOps } from '../lib/gitops/suite.ts';
import { Kustomizations } from './kustomizations.ts';
import { type Controller, installFlux, startFlux } from './programs.ts';
import { Source } from './source.ts';

interface Flux {
  source: Source;
  kustomizations: Kustomizations;
  controller: Controller;
}

/** Gives the scenario a repository that Flux follows; filled in before its first test. */
export function useFlux(): GitOps & Flux {
  return useGitOps<Flux>({
    tool: 'flux',
    async start({ cluster: { server, client }, repository }, folder) {
      await installFlux(server);
      const source = await Source.create(client, repository);
      const controller = await startFlux(server, folder);
      const kustomizations = new Kustomizations(client, () => controller.programs.log());
      return { source, kustomizations, controller };
    },
    async stop({ controller, kustomizations, source }) {
      await controller?.programs.stop();
      await kustomizations?.stop();
      await source?.stop();
    },
  });
}
