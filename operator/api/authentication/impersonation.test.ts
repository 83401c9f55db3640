import { equal } from 'node:assert/strict';
import type { Connection } from '../../kube/connection.ts';
import { asPerson } from './impersonation.ts';

describe('the headers of a person', () => {
  const names: Record<string, { reason: string; name: string }> = {
    ASCII: { reason: 'most names are', name: 'ada@example.com' },
    'an accent': { reason: 'one byte in Latin-1, two in UTF-8', name: 'Zoë' },
    'another script': { reason: 'no bytes in Latin-1', name: '愛 🙂' },
  };
  for (const [which, { reason, name }] of Object.entries(names)) {
    it(`have ${which} in UTF-8: ${reason}`, async () => {
      const connection = { headers: () => ({ a: 'b' }) } as Partial<Connection> as Connection;
      const headers = await asPerson(connection, { name, groups: [name] }).headers();
      const bytes = (value: unknown) => Buffer.from(String(value), 'latin1').toString();
      equal(headers.a, 'b');
      equal(bytes(headers['impersonate-user']), name);
      equal(bytes(headers['impersonate-group']?.[0]), name);
    });
  }
});
