import { deepEqual } from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HOST, NAMESPACE, REGION } from '../../operator/api/testing/installation.ts';
import { useReadyApi } from '../../operator/api/testing/readiness.ts';
import { grant, installRoles } from '../../operator/api/testing/roles.ts';
import { toolFolder } from '../chart/helm.ts';

const run = promisify(execFile);

/** What the script of e2e/clients/go does, in this order; it ends at the first step that fails. */
const STEPS = [
  'creates services and waits for each operation',
  'lists page by page',
  'changes what the mask names',
  'is refused a stale change',
  'is told which field is missing',
  'is told what does not exist',
  'runs a job with overrides',
  'cancels an execution',
  'sets a policy',
  'deletes all',
];

describe("Google's client library for Go", function () {
  this.timeout(300_000);
  let folder: string;
  const installation = useReadyApi();
  before(async function () {
    this.timeout(1_800_000);
    toolFolder('go-client');
    await installRoles(installation);
    await grant(installation, 'editor', 'homerun-run.admin');
    folder = mkdtempSync(join(tmpdir(), 'homerun-go-client-'));
    writeFileSync(join(folder, 'ca.pem'), installation.authority);
    writeFileSync(join(folder, 'token'), installation.tokens.editor);
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const transport of ['grpc', 'rest']) {
    it(`does with services, jobs, executions and policies what the one for Node does, over ${transport}`, async () => {
      const options = {
        transport,
        address: `127.0.0.1:${installation.api.port}`,
        host: `${REGION}-${HOST}`,
        authority: join(folder, 'ca.pem'),
        token: join(folder, 'token'),
        parent: `projects/${NAMESPACE}/locations/${REGION}`,
      };
      const args = Object.entries(options).map(([name, value]) => `-${name}=${value}`);
      const { stdout } = await run(join(toolFolder('go-client'), 'go-client'), args, { timeout: 240_000 });
      deepEqual(stdout.trim().split('\n'), STEPS);
    });
  }
});
