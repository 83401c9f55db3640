import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { createServer as createHttp2, type Http2Server } from 'node:http2';
import fc from 'fast-check';
import { ask, backend, Harness, raw } from '../testing/harness.ts';
import { headerValue, Peer, requestHead } from './headers.ts';
import { completeTrace, parseCloudTrace, parseTraceparent, SAMPLE_EVERY_MS, traceOf } from './trace.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
const CLOUD = `${TRACE}/67667974448284343;o=1`;

/** The two headers as an instance gets them. */
function completed(given: Record<string, string>, tracer = { sampledAt: Number.NEGATIVE_INFINITY }, now = 0) {
  const head = requestHead(['host', 'a', ...Object.entries(given).flat()], new Peer('192.0.2.7'));
  completeTrace(head, tracer, now);
  const values = (name: string) =>
    head.headers.filter((_, i) => i % 2 === 1 && head.headers[i - 1]?.toLowerCase() === name);
  return { traceparent: values('traceparent'), cloud: values('x-cloud-trace-context'), head };
}

describe('trace context', () => {
  const CASES: Record<
    string,
    { reason: string; given: Record<string, string>; traceparent: string[]; cloud: string[] }
  > = {
    'both headers': {
      reason: 'what the client sent is not touched, even where the two differ',
      given: { traceparent: PARENT, 'x-cloud-trace-context': 'anything' },
      traceparent: [PARENT],
      cloud: ['anything'],
    },
    'traceparent alone': {
      reason: 'the same context in the form of Cloud Trace: the span is decimal',
      given: { Traceparent: PARENT },
      traceparent: [PARENT],
      cloud: [CLOUD],
    },
    'not sampled': {
      reason: 'the flag goes along',
      given: { traceparent: `00-${TRACE}-00000000000000ff-00` },
      traceparent: [`00-${TRACE}-00000000000000ff-00`],
      cloud: [`${TRACE}/255;o=0`],
    },
    'largest span': {
      reason: 'all 64 bits are exact',
      given: { traceparent: `00-${TRACE}-ffffffffffffffff-03` },
      traceparent: [`00-${TRACE}-ffffffffffffffff-03`],
      cloud: [`${TRACE}/18446744073709551615;o=1`],
    },
    'a later version': {
      reason: 'is read as far as version 00 is known (W3C Trace Context, 4.3)',
      given: { traceparent: `01-${TRACE}-00000000000000ff-01-more` },
      traceparent: [`01-${TRACE}-00000000000000ff-01-more`],
      cloud: [`${TRACE}/255;o=1`],
    },
    'X-Cloud-Trace-Context alone': {
      reason: 'the same context in the form of the W3C',
      given: { 'X-Cloud-Trace-Context': CLOUD },
      traceparent: [PARENT],
      cloud: [CLOUD],
    },
    'X-Cloud-Trace-Context without options': {
      reason: 'nothing asks for sampling',
      given: { 'x-cloud-trace-context': `${TRACE.toUpperCase()}/255` },
      traceparent: [`00-${TRACE}-00000000000000ff-00`],
      cloud: [`${TRACE.toUpperCase()}/255`],
    },
    'traceparent that is not valid': {
      reason: 'it is the program that decides what to do with it',
      given: { traceparent: '00-1-2-01' },
      traceparent: ['00-1-2-01'],
      cloud: [],
    },
    'X-Cloud-Trace-Context that is not valid': {
      reason: 'the same',
      given: { 'x-cloud-trace-context': `${TRACE}/18446744073709551616` },
      traceparent: [],
      cloud: [`${TRACE}/18446744073709551616`],
    },
  };
  for (const [name, { reason, given, traceparent, cloud }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const found = completed(given);
      assert.deepEqual([found.traceparent, found.cloud], [traceparent, cloud]);
    });
  }

  it('does not pass on what Connection names, and derives nothing from it', () => {
    const { head, traceparent, cloud } = completed({ traceparent: PARENT, connection: 'traceparent' });
    assert.equal(traceparent.length, 1);
    assert.notEqual(traceparent[0], PARENT);
    assert.ok(cloud[0]?.startsWith(`${traceOf(head)?.traceId}/`));
  });

  it('derives nothing from a header that occurs twice', () => {
    const head = requestHead(['host', 'a', 'traceparent', PARENT, 'traceparent', PARENT], new Peer('::1'));
    completeTrace(head, { sampledAt: 0 }, 0);
    assert.equal(headerValue(head.headers, 'x-cloud-trace-context'), undefined);
  });

  const INVALID_PARENTS = {
    'no trace': `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    'no span': `00-${TRACE}-${'0'.repeat(16)}-01`,
    'version ff': `ff-${TRACE}-00f067aa0ba902b7-01`,
    'more than version 00 has': `${PARENT}-x`,
    'upper case': PARENT.toUpperCase(),
  };
  for (const [name, value] of Object.entries(INVALID_PARENTS)) {
    it(`traceparent is not valid: ${name}`, () => assert.equal(parseTraceparent(value), undefined));
  }

  it('begins a trace that is the same in both headers, valid, and different for each request', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 2000; i++) {
      const { traceparent, cloud } = completed({});
      const context = parseTraceparent(traceparent[0] as string);
      assert.ok(context, traceparent[0]);
      assert.deepEqual(parseCloudTrace(cloud[0] as string), context);
      seen.add(context.traceId).add(context.spanId);
    }
    assert.equal(seen.size, 4000);
  });

  it('samples one new trace in ten seconds for each instance', () => {
    const [one, other] = [{ sampledAt: Number.NEGATIVE_INFINITY }, { sampledAt: Number.NEGATIVE_INFINITY }];
    const sampled = (tracer: typeof one, now: number) => traceOf(completed({}, tracer, now).head)?.sampled;
    const found = [0, 1, SAMPLE_EVERY_MS - 1, SAMPLE_EVERY_MS, SAMPLE_EVERY_MS + 1].map((now) =>
      sampled(one, now),
    );
    assert.deepEqual(found, [true, false, false, true, false]);
    assert.equal(sampled(other, 1), true);
  });

  it('is the same after it was translated and back, whatever it is', () => {
    const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (trace, span, sampled) => {
        fc.pre(!/^0+$/.test(trace) && !/^0+$/.test(span));
        const traceparent = `00-${trace}-${span}-0${sampled ? 1 : 0}`;
        const { cloud } = completed({ traceparent });
        assert.deepEqual(completed({ 'x-cloud-trace-context': cloud[0] as string }).traceparent, [
          traceparent,
        ]);
      }),
    );
  });

  it('never throws, whatever a client sends', () => {
    const part = fc.oneof(fc.string(), fc.constantFrom(TRACE, '/', ';o=', '00-', '-01', '0', '9'.repeat(20)));
    fc.assert(
      fc.property(fc.array(part), fc.array(part), (parent, cloud) => {
        parseTraceparent(parent.join(''));
        parseCloudTrace(cloud.join(''));
      }),
    );
  });
});

describe('gateway and trace context', () => {
  let harness: Harness;
  let program: { server: Server; port: number };
  let h2c: Http2Server;
  let seen: IncomingHttpHeaders;

  before(async () => {
    program = await backend((request, response) => {
      seen = request.headers;
      response.end();
    });
    h2c = createHttp2((request, response) => {
      seen = request.headers;
      response.end();
    });
    h2c.listen(0, '127.0.0.1');
    await once(h2c, 'listening');
    harness = await new Harness().listen();
    harness.serve('app.test', { ports: [program.port] });
    const h2cPort = (h2c.address() as { port: number }).port;
    harness.serve('h2c.test', { key: 'ns/h2c', protocol: 'h2c', ports: [h2cPort] });
  });

  after(async () => {
    await harness.close();
    program.server.closeAllConnections();
    program.server.close();
    h2c.close();
  });

  for (const host of ['app.test', 'h2c.test']) {
    it(`${host}: an instance gets both headers, made or derived`, async () => {
      await ask(harness.origin, '/', { host });
      const context = parseTraceparent(seen.traceparent as string);
      assert.ok(context);
      assert.deepEqual(parseCloudTrace(seen['x-cloud-trace-context'] as string), context);
      await ask(harness.origin, '/', { host, headers: { traceparent: PARENT, tracestate: 'a=b' } });
      assert.deepEqual([seen.traceparent, seen.tracestate], [PARENT, 'a=b']);
      assert.equal(seen['x-cloud-trace-context'], CLOUD);
    });
  }

  it('an upgrade too', async () => {
    const upgrade = 'GET / HTTP/1.1\r\nhost: app.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
    await raw(harness.port, upgrade);
    assert.ok(parseTraceparent(seen.traceparent as string));
  });
});
