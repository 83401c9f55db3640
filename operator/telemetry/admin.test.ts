import assert from 'node:assert/strict';
import { freePort } from '../testing/freePort.ts';
import { type Admin, startAdmin } from './admin.ts';

describe('the admin port', () => {
  let admin: Admin;
  let url: string;
  let why: string | undefined;
  let fatal: string | undefined;
  let allowed = '127.0.0.1';

  before(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const pages = {
      '/stats': () => ({ requests: 3 }),
      '/broken': () => {
        throw new Error('no data');
      },
    };
    const posts = {
      '/stats': {
        allows: (address: string) => address === allowed,
        answer: (body: unknown) => {
          if (body === null) throw new Error('no orders');
          return { took: body };
        },
      },
    };
    admin = await startAdmin({ port, unready: () => why, dead: () => fatal, pages, posts });
  });
  after(() => admin.close());

  const get = async (path: string, method = 'GET') => {
    const answer = await fetch(`${url}${path}`, { method, headers: { connection: 'close' } });
    return [answer.status, await answer.text()];
  };

  it('tells the kubelet that the process lives, and why it is not ready', async () => {
    why = 'waiting for pods';
    assert.deepEqual(await get('/readyz'), [503, 'waiting for pods\n']);
    assert.deepEqual(await get('/healthz'), [200, 'ok\n']);
    why = undefined;
    assert.deepEqual(await get('/readyz?verbose'), [200, 'ok\n']);
  });

  it('tells the kubelet why only a restart can help', async () => {
    fatal = 'no data thread listens';
    assert.deepEqual(await get('/healthz'), [503, 'no data thread listens\n']);
    fatal = undefined;
    assert.deepEqual(await get('/healthz'), [200, 'ok\n']);
  });

  it('tells Prometheus all series', async () => {
    const [status, text] = await get('/metrics');
    assert.equal(status, 200);
    assert.match(String(text), /^# TYPE homerun_workqueue_depth gauge$/m);
  });

  it('has the pages of a role', async () => {
    assert.deepEqual(await get('/stats'), [200, '{"requests":3}']);
    assert.deepEqual(await get('/broken'), [500, 'no data\n']);
  });

  it('takes posts from those who may send them, and says what is wrong with one', async () => {
    const post = async (body: string) => {
      const answer = await fetch(`${url}/stats`, { method: 'POST', body, headers: { connection: 'close' } });
      return [answer.status, await answer.text()];
    };
    assert.deepEqual(await post('{"round":1}'), [200, '{"took":{"round":1}}']);
    assert.deepEqual(await post('null'), [400, 'no orders\n']);
    assert.equal((await post('{"rou'))[0], 400);
    allowed = '127.0.0.9';
    assert.deepEqual(await post('{"round":1}'), [403, 'this address may not say so\n']);
  });

  it('has nothing else, and takes nothing', async () => {
    assert.deepEqual(await get('/__proto__'), [404, 'not found\n']);
    assert.deepEqual(await get('/healthz', 'POST'), [404, 'not found\n']);
  });
});
