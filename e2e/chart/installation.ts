import { ApiServer } from '../../operator/testing/apiServer.ts';
import { installChart } from './accounts.ts';
import { helm } from './helm.ts';

let server: ApiServer | undefined;
let installed: Promise<ApiServer> | undefined;

/**
 * An API server with the chart, all of its roles and all that they may be allowed to do to instances. The files that do not change the installation share it: to start
 * and install costs more than their tests. It ends after the last test of the run.
 */
export function installation(): Promise<ApiServer> {
  installed ??= install();
  return installed;
}

async function install(): Promise<ApiServer> {
  helm(['version']);
  server = await ApiServer.start();
  installChart(server, { api: { enabled: true }, autoscaler: { idleCpuResize: true } });
  return server;
}

after(() => server?.stop());
