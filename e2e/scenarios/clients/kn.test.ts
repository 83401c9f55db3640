import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toolFolder } from '../../chart/helm.ts';
import { HELLO_IMAGE } from '../../lib/services.ts';
import { useSuite } from '../../lib/suite.ts';

const run = promisify(execFile);

/** In this order: what a person does with a service by Knative's own client, which speaks to the API server itself. */
describe('kn at the API server of the cluster', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-kn');
  let folder: string;
  before(() => {
    folder = toolFolder('kn');
  });

  /** What it prints to both outputs. */
  async function kn(command: string): Promise<string> {
    const args = [...command.split(' '), '--namespace', suite.namespace];
    const { stdout, stderr } = await run(join(folder, 'kn'), args, { timeout: 240_000 });
    return `${stdout}${stderr}`;
  }

  const COMMANDS: [command: string, prints: RegExp][] = [
    [
      `service create hello --image ${HELLO_IMAGE} --revision-name hello-a`,
      /created to latest revision 'hello-a'/,
    ],
    ['service update hello --env A=b --revision-name hello-b', /updated to latest revision 'hello-b'/],
    [
      'service update hello --tag hello-a=old --traffic hello-a=30 --traffic hello-b=70',
      /Service 'hello' with latest revision 'hello-b'/,
    ],
    ['service describe hello', /70% +hello-b[\s\S]*30% +hello-a #old[\s\S]*\+\+ Ready /],
    ['service list', /hello +http:\/\/hello\.\S+ +hello-b .* 3 OK \/ 3 +True/],
    ['revision list --service hello', /hello-b +hello +70% [\s\S]*hello-a +hello +30% +old /],
    ['revision describe hello-a', /Service: +hello[\s\S]*\+\+ Ready /],
    ['route list', /hello +http:\/\/hello\.\S+ +True/],
    ['route describe hello', /\+\+ AllTrafficAssigned /],
    [
      `service apply applied --image ${HELLO_IMAGE}`,
      /Service 'applied' (created|applied) to latest revision 'applied-\S+'/,
    ],
    [`service apply applied --image ${HELLO_IMAGE}`, /No changes to apply to service 'applied'/],
    ['service update hello --untag old --traffic hello-b=100', /Service 'hello'/],
    ['revision delete hello-a', /Revision 'hello-a' deleted/],
    ['service delete applied', /Service 'applied' successfully deleted/],
  ];
  for (const [command, prints] of COMMANDS) {
    it(`kn ${command}`, async () => assert.match(await kn(command), prints));
  }

  it('leaves a service that answers', async () => {
    const url = (await kn('service describe hello -o url')).trim();
    assert.equal((await suite.visitor.ask(url)).status, 200);
  });
});
