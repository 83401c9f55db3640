import { equal, match } from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { KINDS } from '../../operator/apis/kinds.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { until } from '../../operator/testing/until.ts';
import { CHART, helm, temporaryFolder, toolFolder } from './helm.ts';

/** As people get the chart: from a registry of OCI artifacts, here the test cluster's own. */
describe('the packaged chart', () => {
  const folder = temporaryFolder();
  const env = { ...process.env, HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder };
  let registry: ChildProcess;
  let host: string;

  before(async function () {
    // The first call may have to build both.
    this.timeout(600_000);
    helm(['version']);
    const program = join(toolFolder('crane'), 'crane');
    host = `127.0.0.1:${await freePort()}`;
    const command = ['--pdeathsig', 'KILL', program, 'registry', 'serve', '--address', host];
    registry = spawn('setpriv', command, { stdio: 'ignore' });
    await until('the registry answers', () =>
      fetch(`http://${host}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  });
  after(async () => {
    if (!registry) return;
    registry.kill('SIGKILL');
    await once(registry, 'exit');
  });

  const template = (chart: string, ...args: string[]) =>
    helm(['template', 'homerun', chart, '--kube-version', '1.34.0', ...args], { env });

  it('comes out of a registry as it went in, with the definitions themselves although its folder has a link to them', () => {
    const printed = helm(['package', CHART, '--destination', folder], { env });
    const [archive = ''] = /\S+\.tgz/.exec(printed) ?? [];
    const version = /-(\d+\.\d+\.\d+)\.tgz$/.exec(archive)?.[1] ?? '';
    helm(['push', archive, `oci://${host}/charts`, '--plain-http'], { env });
    const chart = `oci://${host}/charts/homerun`;
    const pulled = template(chart, '--version', version, '--plain-http');
    equal(pulled, template(CHART));
    equal(pulled.match(/^kind: CustomResourceDefinition$/gm)?.length, KINDS.length);
    match(helm(['show', 'values', chart, '--plain-http'], { env }), /^# All values with their defaults/m);
  });
});
