import { deepEqual, match } from 'node:assert/strict';
import { gcloudTarget, HOST, REGION } from '../../operator/api/testing/installation.ts';
import { useReadyApi } from '../../operator/api/testing/readiness.ts';
import { type Tofu, tofuFor } from './tofu.ts';

describe('the Google provider of Terraform that knows nothing but a universe domain', function () {
  this.timeout(600_000);
  const installation = useReadyApi();
  let tofu: Tofu;
  before(() => {
    tofu = tofuFor(gcloudTarget(installation), 'hosts');
    tofu.variables.endpoint = '';
  });
  after(() => tofu?.remove());

  it('finds the Admin API by its host name and that of the region', async () => {
    tofu.variables.universe_domain = HOST.replace(/^run\./, '');
    await tofu.apply();
    deepEqual((await tofu.plan()).changes, []);
    await tofu.destroy();
  });

  it('asks the hosts of that domain and no others', async () => {
    tofu.variables.universe_domain = 'other.test';
    const errors = await tofu.refused();
    match(
      errors.get('google_cloud_run_service.v1') ?? 'no error',
      new RegExp(`not ${REGION}-run\\.other\\.test`),
    );
    match(errors.get('google_cloud_run_v2_service.v2') ?? 'no error', /not run\.other\.test/);
  });
});
