import assert from 'node:assert/strict';
import { checkAddresses, isPodAddress, MAX_ADDRESSES, PodAddressesError } from './addressProtocol.ts';

describe('checkAddresses', () => {
  const uid = 'f0bfbd5b-096d-48ef-998c-da26743dd0cb';
  const named = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`p-${i}`, '10.0.0.1']));

  it('takes addresses by UID, and their absence', () => {
    for (const body of [{}, { [uid]: '10.0.0.1' }, { [uid]: '' }, { [uid]: 'fd00::1' }, named(MAX_ADDRESSES)])
      assert.equal(checkAddresses(body), body);
  });

  const wrong: Record<string, { body: unknown; message: RegExp }> = {
    nothing: { body: null, message: /not an object/ },
    'a list': { body: [], message: /not an object/ },
    'too many': { body: named(MAX_ADDRESSES + 1), message: /501 pods are named, 500 may be/ },
    'a UID with a line break': { body: { 'a\nb': '10.0.0.1' }, message: /"a\\nb" is no UID/ },
    'a UID that is no name': {
      body: JSON.parse('{"__proto__":"10.0.0.1"}'),
      message: /"__proto__" is no UID/,
    },
    'an address that is no text': { body: { [uid]: 5 }, message: /has 5, which no pod can have/ },
    'an address that is a name': {
      body: { [uid]: 'example.com' },
      message: /"example.com", which no pod can have/,
    },
  };
  for (const [name, { body, message }] of Object.entries(wrong)) {
    it(`rejects ${name}`, () => {
      const isNamed = (error: unknown) => error instanceof PodAddressesError && message.test(error.message);
      assert.throws(() => checkAddresses(body), isNamed);
    });
  }
});

describe('isPodAddress', () => {
  const none = [
    '0.0.0.0',
    '127.0.0.1',
    '127.9.9.9',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
  ];
  none.push(
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '::ffff:127.0.0.1',
    '',
    '10.0.0',
    '010.0.0.1',
    '10.0.0.1/24',
  );
  for (const ip of none) it(`says no to ${JSON.stringify(ip)}`, () => assert.equal(isPodAddress(ip), false));
  for (const ip of ['10.0.0.1', '172.31.255.254', '100.64.0.9', '203.0.113.9', 'fd00::1', '2001:db8::1'])
    it(`says yes to ${ip}`, () => assert.equal(isPodAddress(ip), true));
});
