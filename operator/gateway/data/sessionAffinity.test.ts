import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import fc from 'fast-check';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../../testing/until.ts';
import { type Answer, ask, backend, Harness, raw } from '../testing/harness.ts';

const REVISION = 'ns/rev';

/** Cloud Run, Session affinity. */
describe('session affinity', () => {
  let harness: Harness;
  const servers: Server[] = [];

  /** A program that tells its name, or does what is given. */
  const program = async (name: string, listener?: RequestListener): Promise<number> => {
    const { server, port } = await backend(listener ?? ((_request, response) => void response.end(name)));
    servers.push(server);
    return port;
  };
  const programs = (...names: string[]) => Promise.all(names.map((name) => program(name)));
  const from = (cookie: string | undefined, path = '/', at = harness) =>
    ask(at.origin, path, cookie === undefined ? {} : { headers: { cookie } });
  /** A new client: the instance that it gets, and the cookie that a browser would send from then on. */
  const arrive = async (at = harness): Promise<{ text: string; cookie: string }> => {
    const answer = await from(undefined, '/', at);
    return { text: answer.text, cookie: cookieOf(answer) ?? assert.fail('no cookie was set') };
  };

  beforeEach(async () => {
    harness = await new Harness().listen();
  });

  afterEach(async () => {
    await harness.close();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('sends a client to the same instance again, at any gateway', async () => {
    const ports = await programs('a', 'b', 'c');
    harness.serve('app.test', { affinity: true, ports });
    const other = await new Harness().listen();
    other.serve('app.test', { affinity: true, ports });
    try {
      const seen = new Set<string>();
      for (let client = 0; client < 6; client++) {
        const { text, cookie } = await arrive();
        seen.add(text);
        for (const gateway of [harness, other, harness, other]) {
          const answer = await from(`theme=dark; ${cookie}; a=b`, '/', gateway);
          assert.equal(answer.text, text);
          assert.equal(cookieOf(answer), undefined, 'it has the cookie already');
        }
      }
      assert.deepEqual([...seen].sort(), ['a', 'b', 'c'], 'new clients are spread as ever');
    } finally {
      await other.close();
    }
  });

  it('does nothing for a revision without it, whatever cookie comes', async () => {
    harness.serve('app.test', { affinity: true, ports: await programs('a') });
    const { cookie } = await arrive();
    let seen: string | undefined;
    const listener: RequestListener = (request, response) => {
      seen = request.headers.cookie;
      response.setHeader('cache-control', 'public');
      response.end('plain');
    };
    harness.serve('app.test', { key: 'ns/plain', ports: [await program('plain', listener)] });
    const answer = await from(cookie);
    assert.deepEqual(
      [answer.text, cookieOf(answer), answer.headers['cache-control']],
      ['plain', undefined, 'public'],
    );
    assert.equal(seen, cookie);
  });

  it('takes another instance while the client’s own is full, and returns no error', async () => {
    let release: (() => void) | undefined;
    const listener =
      (name: string): RequestListener =>
      (request, response) => {
        if (request.url === '/hold') release = () => void response.end(name);
        else response.end(name);
      };
    const ports = [await program('a', listener('a')), await program('b', listener('b'))];
    const slots = harness.serve('app.test', { affinity: true, limit: 1, ports });
    const { text, cookie } = await arrive();
    const held = from(cookie, '/hold');
    await until('it is held', () => release);
    const answer = await from(cookie);
    assert.notEqual(answer.text, text);
    const moved = cookieOf(answer);
    assert.ok(moved && moved !== cookie, 'it is bound to the other one now');
    release?.();
    assert.equal((await held).text, text);
    await until('both are free', () => slots.every((slot) => harness.slots.inFlight(slot) === 0));
    assert.equal((await from(moved)).text, answer.text);
  });

  it('takes another instance when the client’s own is gone', async () => {
    const ports = await programs('a', 'b');
    const slots = harness.serve('app.test', { affinity: true, ports });
    const { text, cookie } = await arrive();
    harness.removeInstance(slots[['a', 'b'].indexOf(text)] ?? assert.fail());
    const answer = await from(cookie);
    assert.notEqual(answer.text, text);
    assert.equal((await from(cookieOf(answer))).text, answer.text);
  });

  it('takes another instance when the client’s own accepts no connections', async () => {
    const ports = await programs('a', 'b');
    harness.serve('app.test', { affinity: true, ports });
    const { text, cookie } = await arrive();
    const own = servers[['a', 'b'].indexOf(text)] ?? assert.fail();
    own.closeAllConnections();
    own.close();
    await once(own, 'close');
    const answer = await from(cookie);
    assert.deepEqual([answer.status, answer.text === text], [200, false]);
    assert.ok(cookieOf(answer));
  });

  it('takes another instance while the client’s own is ejected', async () => {
    const listener =
      (name: string): RequestListener =>
      (request, response) => {
        if (request.url === '/die') request.socket.destroy();
        else response.end(name);
      };
    harness.serve('app.test', {
      affinity: true,
      ports: [await program('a', listener('a')), await program('b', listener('b'))],
    });
    const { text, cookie } = await arrive();
    for (let i = 0; i < 3; i++) {
      const { status } = await ask(harness.origin, '/die', {
        method: 'POST',
        body: 'x',
        headers: { cookie },
      });
      assert.equal(status, 500);
    }
    assert.notEqual((await from(cookie)).text, text);
  });

  it('prefers the client’s own instance for a request that has waited', async () => {
    const held: (() => void)[] = [];
    const listener =
      (name: string): RequestListener =>
      (request, response) => {
        if (request.url === '/hold') held.push(() => void response.end(name));
        else response.end(name);
      };
    const ports = await Promise.all(['a', 'b', 'c', 'd'].map((name) => program(name, listener(name))));
    harness.serve('app.test', { affinity: true, limit: 1, ports });
    const clients = [await arrive(), await arrive(), await arrive(), await arrive()];
    assert.equal(new Set(clients.map(({ text }) => text)).size, 4);
    const holding = clients.map(({ cookie }) => from(cookie, '/hold'));
    await until('all are full', () => held.length === 4);
    const waiting = clients.toReversed().map(({ cookie }) => from(cookie));
    await until('all wait', () => harness.slots.waiting(0) === 4);
    harness.revision({ affinity: true, limit: 2 });
    const served = (await Promise.all(waiting)).map(({ text }) => text);
    assert.deepEqual(
      served.toReversed(),
      clients.map(({ text }) => text),
    );
    for (const release of held) release();
    await Promise.all(holding);
  });

  describe('with a split of traffic', () => {
    const split = async (first: boolean, second: boolean, percents: [number, number] = [50, 50]) => {
      harness.revision({ key: 'ns/one', affinity: first, ports: await programs('one-a', 'one-b') });
      harness.revision({ key: 'ns/two', affinity: second, ports: await programs('two-a', 'two-b') });
      harness.route('app.test', [
        { revision: 'ns/one', percent: percents[0] },
        { revision: 'ns/two', percent: percents[1] },
      ]);
    };

    it('takes precedence for clients that have a cookie; new ones are split exactly', async () => {
      await split(true, true, [75, 25]);
      const clients: { text: string; cookie: string }[] = [];
      for (let i = 0; i < 40; i++) {
        clients.push(await arrive());
        const { text, cookie } = clients[i % 7] ?? assert.fail();
        assert.equal((await from(cookie)).text, text);
      }
      const ones = clients.filter(({ text }) => text.startsWith('one')).length;
      assert.ok(Math.abs(ones - 30) <= 1, `${ones} of 40 new clients with a share of 75 %`);
    });

    it('binds nobody to a revision without it', async () => {
      await split(true, false);
      const answers: Answer[] = [];
      for (let i = 0; i < 20; i++) answers.push(await from(undefined));
      for (const answer of answers)
        assert.equal(cookieOf(answer) !== undefined, answer.text.startsWith('one'), answer.text);
      const bound = answers.find((answer) => cookieOf(answer)) ?? assert.fail();
      for (let i = 0; i < 10; i++) assert.equal((await from(cookieOf(bound))).text, bound.text);
    });

    it('keeps the revision when the instance is gone', async () => {
      await split(true, true);
      const { text, cookie } = await arrive();
      const names = ['one-a', 'one-b', 'two-a', 'two-b'];
      harness.removeInstance(names.indexOf(text));
      for (let i = 0; i < 10; i++)
        assert.equal((await from(cookie)).text.slice(0, 3), text.slice(0, 3), 'its revision is still there');
    });

    it('releases clients of a revision that has no share any more', async () => {
      await split(true, true);
      const clients = [await arrive(), await arrive()];
      const left = clients.find(({ text }) => text.startsWith('one')) ?? assert.fail();
      harness.route('app.test', [
        { revision: 'ns/two', percent: 100 },
        { revision: 'ns/one', percent: 0 },
      ]);
      const answer = await from(left.cookie);
      assert.match(answer.text, /^two/);
      assert.equal((await from(cookieOf(answer))).text, answer.text);
    });

    it('does not keep clients at a revision of which no instance can start', async () => {
      await split(true, true);
      const clients = [await arrive(), await arrive()];
      const { cookie } = clients.find(({ text }) => text.startsWith('one')) ?? assert.fail();
      harness.removeInstance(0);
      harness.removeInstance(1);
      harness.revision({ key: 'ns/one', affinity: true, failing: 'ExitCode1' });
      harness.route('app.test', [
        { revision: 'ns/one', percent: 1 },
        { revision: 'ns/two', percent: 99 },
      ]);
      for (let i = 0; i < 3; i++) await from(undefined).catch(() => {});
      assert.match((await from(cookie)).text, /^two/);
    });
  });

  it('answers whatever a Cookie header contains', async () => {
    harness.serve('app.test', { affinity: true, ports: await programs('a', 'b') });
    const own = (await arrive()).cookie;
    // What HTTP allows in a field (RFC 9110, 5.5).
    const text = fc.string({
      unit: fc
        .integer({ min: 0x20, max: 0xff })
        .filter((code) => code !== 0x7f)
        .map((code) => String.fromCharCode(code)),
      maxLength: 80,
    });
    const piece = fc.oneof(
      text,
      fc.constantFrom('GAESA=', own, own.slice(0, 30), ';', '; ', '=', '"', ',', '\t'),
    );
    const fields = fc.array(
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
      { minLength: 1, maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(fields, async (cookies) => {
        const lines = cookies.map((cookie) => `Cookie: ${cookie}\r\n`).join('');
        const answer = await raw(
          harness.port,
          `GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n${lines}\r\n`,
        );
        assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
      }),
      { numRuns: 200 },
    );
  });

  describe('with a cookie that is not one', () => {
    const TAMPERED: Record<string, (value: string) => string> = {
      'one character changed': (value) => value.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      'another revision': (value) => `${'A'.repeat(16)}${value.slice(16)}`,
      'another instance': (value) => `${value.slice(0, 16)}${'A'.repeat(24)}`,
      'cut off': (value) => value.slice(0, -1),
      'added to': (value) => `${value}A`,
      empty: () => '',
      'a pod’s name': () => 'pod-0',
      'bytes above 0x7f': (value) => `\u00ff\u0080${value.slice(2)}`,
      quotes: (value) => `"${value}"`,
      'a very long value': () => 'A'.repeat(10_000),
      'separators alone': () => ';;=;,=; ;',
      'an object’s property': () => '__proto__',
    };
    for (const [what, tamper] of Object.entries(TAMPERED)) {
      it(`${what}: serves as if it had none`, async () => {
        harness.serve('app.test', { affinity: true, ports: await programs('a', 'b') });
        const { cookie } = await arrive();
        const value = tamper(cookie.slice('GAESA='.length));
        const answer = await raw(
          harness.port,
          `GET / HTTP/1.1\r\nHost: app.test\r\nCookie: GAESA=${value}\r\nConnection: close\r\n\r\n`,
        );
        assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
        assert.match(answer, /\r\nset-cookie: GAESA=[\w-]{40}; Max-Age=2592000; Path=\/; HttpOnly\r\n/i);
      });
    }
  });

  it('works over HTTP/2, where a cookie may be split', async () => {
    harness.serve('app.test', { affinity: true, ports: await programs('a', 'b') });
    const client = connectHttp2(harness.origin);
    const get = async (cookie?: string[]) => {
      const stream = client.request({
        ':path': '/',
        ':authority': 'app.test',
        ...(cookie ? { cookie } : {}),
      });
      const [headers] = (await once(stream, 'response')) as [Record<string, string[]>];
      let text = '';
      for await (const part of stream) text += part;
      return { text, set: headers['set-cookie']?.[0], cached: String(headers['cache-control']) };
    };
    try {
      const { text, set, cached } = await get();
      assert.equal(cached, 'private');
      const cookie = set?.split(';')[0] ?? assert.fail();
      for (let i = 0; i < 4; i++) {
        const again = await get(['a=b', cookie, 'c=d']);
        assert.deepEqual([again.text, again.set], [text, undefined]);
      }
    } finally {
      client.destroy();
    }
  });

  it('works for WebSockets, and for an upgrade that the instance rejects', async () => {
    const sockets = new WebSocketServer({ noServer: true });
    const ports = await programs('a', 'b');
    servers.forEach((server, i) => {
      server.on('upgrade', (request, socket, head) => {
        if (request.url === '/no') socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
        else sockets.handleUpgrade(request, socket, head, (ws) => ws.send(i === 0 ? 'a' : 'b'));
      });
    });
    harness.serve('app.test', { affinity: true, ports });
    const open = async (cookie?: string) => {
      const headers = { host: 'app.test', ...(cookie ? { cookie } : {}) };
      const ws = new WebSocket(`ws://127.0.0.1:${harness.port}/`, { headers });
      const upgraded = once(ws, 'upgrade');
      const [message] = (await once(ws, 'message')) as [Buffer];
      const [response] = (await upgraded) as [IncomingMessage];
      ws.terminate();
      return { text: String(message), set: response.headers['set-cookie']?.[0]?.split(';')[0] };
    };
    const { text, set } = await open();
    assert.ok(set);
    for (let i = 0; i < 4; i++) assert.deepEqual(await open(set), { text, set: undefined });
    assert.equal((await from(set)).text, text, 'HTTP requests of the client go there too');
    const refused = await raw(
      harness.port,
      'GET /no HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    assert.match(refused, /^HTTP\/1\.1 403 Forbidden\r\n/);
    assert.match(refused, /\r\nset-cookie: GAESA=/);
    sockets.close();
  });

  it('gives instances new cookies without a new connection to them', async () => {
    let connections = 0;
    const { server, port } = await backend((_request, response) => void response.end('a'));
    servers.push(server);
    server.on('connection', () => connections++);
    const [slot = -1] = harness.serve('app.test', { affinity: true, ports: [port] });
    const { cookie } = await arrive();
    harness.changeCookie(REVISION, port, slot);
    const moved = cookieOf(await from(cookie));
    assert.ok(moved && moved !== cookie);
    assert.equal(cookieOf(await from(moved)), undefined);
    assert.equal(connections, 1);
  });
});

/** The cookie that a response sets, as a client sends it; undefined when it sets none. */
function cookieOf({ headers }: Answer): string | undefined {
  const set = [headers['set-cookie'] ?? []].flat().find((value) => value.startsWith('GAESA='));
  return set?.split(';')[0];
}
