import { deepEqual } from 'node:assert/strict';
import type { FastifyReply } from 'fastify';
import { warningsIn, warningsOf } from './warnings.ts';

describe('warnings of the cluster', () => {
  const FIRST = '299 - "a is 1"';
  /** UTF-8, of which each byte is a character. */
  const ACCENT = Buffer.from('299 - "é"').toString('latin1');

  it('are headers of an answer over REST, once each and as they came', () => {
    let sent: unknown;
    const warn = warningsOf({
      header: (_: string, value: unknown) => (sent = value),
    } as never as FastifyReply);
    for (const warning of [FIRST, ACCENT, FIRST]) warn(warning);
    deepEqual(sent, [FIRST, ACCENT]);
  });

  it('are metadata of an answer over gRPC, once each and in ASCII', () => {
    const header = new Headers();
    const warn = warningsIn(header);
    for (const warning of [FIRST, ACCENT, FIRST]) warn(warning);
    deepEqual(header.get('warning'), `${FIRST}, 299 - "%C3%A9"`);
  });
});
