import assert from 'node:assert/strict';
import { Malformed, MORE, readRequest } from './http1.ts';

describe('readRequest', () => {
  for (const [length, sound] of [
    ['1844744073709551617', true],
    ['18446744073709551615', true],
    ['18446744073709551616', false],
  ] as const) {
    it(`${sound ? 'takes' : 'rejects'} a Content-Length of ${length}, which ${sound ? 'fits' : 'does not fit'} into 64 bits`, () => {
      const read = () =>
        readRequest(Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\nx`), 0);
      if (!sound) {
        assert.throws(read, Malformed);
        return;
      }
      const request = read();
      assert.ok(request !== MORE && request.partial);
    });
  }

  const lines: Record<string, { line: string; reason: string; target?: string }> = {
    'single spaces': { line: 'GET /a HTTP/1.1', target: '/a', reason: 'RFC 9112, 3' },
    'several spaces': {
      line: 'GET   /a   HTTP/1.1',
      target: '/a',
      reason: 'parts may be separated by any white space (RFC 9112, 3), and the end stays where it is',
    },
    'a space in the target': { line: 'GET /a b HTTP/1.1', reason: 'a fourth part means nothing' },
    'a space in front': { line: ' GET /a HTTP/1.1', reason: 'the method is the first' },
    'no target': { line: 'GET  HTTP/1.1', reason: 'a version is no target' },
  };
  for (const [name, { line, target, reason }] of Object.entries(lines)) {
    it(`${target ? 'takes' : 'rejects'} a request line with ${name}: ${reason}`, () => {
      const read = () => readRequest(Buffer.from(`${line}\r\nHost: a\r\n\r\n`), 0);
      if (target === undefined) {
        assert.throws(read, Malformed);
        return;
      }
      const request = read();
      assert.ok(request !== MORE && request.target === target);
    });
  }
});
