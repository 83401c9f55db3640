import { type GitOps, useGitOps } from '../lib/gitops/suite.ts';
import type { Programs } from '../lib/programs.ts';
import { Applications } from './applications.ts';
import { installArgoCd, startArgoCd } from './programs.ts';

interface ArgoCd {
  applications: Applications;
  programs: Programs;
}

/** Gives the scenario a repository that Argo CD follows; filled in before its first test. */
export function useArgoCd(): GitOps & ArgoCd {
  return useGitOps<ArgoCd>({
    tool: 'argocd-controllers',
    async start({ cluster: { server, client } }, folder) {
      await installArgoCd(server);
      const programs = await startArgoCd(server, folder);
      return { programs, applications: new Applications(client, () => programs.log()) };
    },
    async stop({ programs, applications }) {
      await programs?.stop();
      await applications?.stop();
    },
  });
}
