import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen } from '../../operator/gateway/fuzz/world.ts';
import { Harness } from '../../operator/gateway/testing/harness.ts';
import { HOST, program } from './programs.ts';

const FORGETS = 'nghttp2 remembers no closed streams, and ignores frames on them';
const PRIORITY = 'nghttp2 does not read PRIORITY frames, which RFC 9113, 5.3.2, deprecates';

/** Why node:http2 fails them; each must fail in the same run without a gateway, too. */
const NODE_FAILS: Record<string, string> = {
  '5.1 closed: Sends a DATA frame after sending RST_STREAM frame': FORGETS,
  '5.1 closed: Sends a HEADERS frame after sending RST_STREAM frame': FORGETS,
  '5.1 closed: Sends a DATA frame': FORGETS,
  '5.1 closed: Sends a HEADERS frame': FORGETS,
  '5.1.1 Sends stream identifier that is numerically smaller than previous': FORGETS,
  '5.3.1 Sends PRIORITY frame that depend on itself': PRIORITY,
  '6.3 Sends a PRIORITY frame with 0x0 stream identifier': PRIORITY,
  '6.7 Sends a PING frame with ACK':
    'Node closes the connection for an answer to a PING that it did not send',
  '6.9.1 Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream':
    'Node closes the connection, where resetting the stream would do',
};

/** What of the gateway alone h2spec does not expect, and what it says of it. */
const GATEWAY_DIFFERS: Record<string, { failure: RegExp; reason: string }> = {
  '3.5 Sends invalid connection preface': {
    failure: /looked like an HTTP\/1\.1 header/,
    reason: 'the port has HTTP/1.1 as well, so the client gets a 400 before its connection is closed',
  },
};

/** So late that the frames after a request find its stream open: nghttp2 ignores them on a closed one. */
const ANSWER_MS = 100;

/** What h2spec says of each case: nothing if it passed. */
type Results = Map<string, string>;

/** Runs all cases of h2spec, strict ones too, most of whose time is waiting for what must not come. */
async function run(port: number, folder: string): Promise<Results> {
  const report = join(folder, `${port}.xml`);
  const args = ['--strict', '--host', HOST, '--port', String(port), '--junit-report', report];
  const child = spawn(program('h2spec'), args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await once(child, 'exit');
  const text = await readFile(report, 'latin1');
  const cases =
    /<testcase package="(?:http2\/)?(.*?)" classname="(.*?)" time=".*?">\s*(.*?)\s*<\/testcase>/gs;
  return new Map(
    [...text.matchAll(cases)].map(([, section, title, said = '']) => [`${section} ${title}`, said]),
  );
}

describe('h2spec', function () {
  this.timeout(300_000);

  // Long enough for the cases that open the window in parts.
  const body = 'Hello, world! '.repeat(10);
  const answer = (
    request: Http2ServerRequest | IncomingMessage,
    response: Http2ServerResponse | ServerResponse,
  ) => {
    request.resume();
    setTimeout(() => response.end(body), ANSWER_MS);
  };
  const http1 = createHttp1(answer);
  const http2 = createHttp2({ settings: { maxConcurrentStreams: 100 } }, answer);
  let harnesses: Harness[];
  let bare: Results;
  const gateways: Record<'http1' | 'h2c', Results> = { http1: new Map(), h2c: new Map() };

  before(async function () {
    this.timeout(1_800_000);
    program('h2spec');
    const folder = await mkdtemp(join(tmpdir(), 'h2spec-'));
    const ports = { http1: await listen(http1), h2c: await listen(http2 as never) };
    harnesses = [await new Harness().listen(), await new Harness().listen()];
    const [ofHttp1, ofH2c] = harnesses as [Harness, Harness];
    ofHttp1.serve(HOST, { protocol: 'http1', ports: [ports.http1] });
    ofH2c.serve(HOST, { protocol: 'h2c', ports: [ports.h2c] });
    [bare, gateways.http1, gateways.h2c] = await Promise.all([
      run(ports.h2c, folder),
      run(ofHttp1.port, folder),
      run(ofH2c.port, folder),
    ]);
    await rm(folder, { recursive: true });
  });

  after(async () => {
    for (const harness of harnesses) await harness.close();
    http1.close();
    http2.close();
  });

  const failures = (results: Results) => [...results].filter(([, said]) => said !== '');

  it('finds in node:http2 alone what is known of it', () => {
    assert.equal(bare.size, 146);
    assert.deepEqual(
      failures(bare).filter(([name]) => !(name in NODE_FAILS)),
      [],
    );
  });

  for (const protocol of ['http1', 'h2c'] as const) {
    it(`finds no more in the gateway before an instance on ${protocol} (RFC 9113)`, () => {
      const results = gateways[protocol];
      assert.equal(results.size, 146);
      const unexpected = failures(results).filter(([name, said]) => {
        const own = GATEWAY_DIFFERS[name];
        return own ? !own.failure.test(said) : !(name in NODE_FAILS && bare.get(name));
      });
      assert.deepEqual(unexpected, []);
    });
  }
});
