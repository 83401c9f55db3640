import assert from 'node:assert/strict';
import { Malformed, MORE, readRequest } from './http1.ts';

describe('readRequest', () => {
  const lines: Record<string, { line: string; reason: string; target?: string }> = {
    'single spaces': { line: 'GET /a HTTP/1.1', target: '/a', reason: 'RFC 9112, 3' },
    'several spaces': {
      line: 'GET   /a   HTTP/1.1',
      target: '/a',
      reason: 'parts may be told apart by any white space (RFC 9112, 3), and the end stays where it is',
    },
    'a space in the target': { line: 'GET /a b HTTP/1.1', reason: 'a fourth part means nothing' },
    'a space in front': { line: ' GET /a HTTP/1.1', reason: 'the method is the first' },
    'no target': { line: 'GET  HTTP/1.1', reason: 'a version is no target' },
  };
  for (const [name, { line, target, reason }] of Object.entries(lines)) {
    it(`${target ? 'takes' : 'refuses'} a request line with ${name}: ${reason}`, () => {
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
