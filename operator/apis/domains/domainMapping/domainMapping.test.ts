import assert from 'node:assert/strict';
import { modelOf } from '../../model.ts';
import { defaultDomainMapping } from './defaults.ts';
import { DOMAIN_MAPPING } from './kind.ts';
import { DOMAIN_MAPPINGS, type DomainMapping } from './types.ts';
import { domainMappingWarnings, validateDomainMapping } from './validation.ts';

function mapping(name: string, spec: Partial<DomainMapping['spec']> = {}): DomainMapping {
  const { apiVersion, kind } = DOMAIN_MAPPINGS;
  return { apiVersion, kind, metadata: { name, namespace: 'demo' }, spec: { routeName: 'hello', ...spec } };
}

const NAMES: Record<string, { name: string; valid: boolean; reason: string }> = {
  'a name below a domain': { name: 'www.example.com', valid: true, reason: 'what most people map' },
  'a domain': { name: 'example.com', valid: true, reason: 'the domain itself may be mapped' },
  'labels with digits': { name: '1a.x--y.co.uk', valid: true, reason: 'host names may have them (RFC 1123)' },
  'an internationalized name': {
    name: 'xn--bcher-kva.example',
    valid: true,
    reason: 'as it is in the DNS (IDNA)',
  },
  'one label': { name: 'localhost', valid: false, reason: 'it is a name of somebody else’s search list' },
  'an address': {
    name: '10.0.0.1',
    valid: false,
    reason: 'it is not a domain, and no certificate is issued',
  },
  'a wildcard': { name: '*.example.com', valid: false, reason: 'Cloud Run maps none' },
  'a label that is too long': { name: `${'a'.repeat(64)}.com`, valid: false, reason: 'the DNS takes 63' },
  'a name that is too long': { name: `${'a.'.repeat(127)}com`, valid: false, reason: 'the DNS takes 253' },
  'a dot at the end': {
    name: 'example.com.',
    valid: false,
    reason: 'it is written without in a Host header',
  },
  'capital letters': { name: 'Example.com', valid: false, reason: 'Kubernetes has none in names' },
};

describe('domain mapping', () => {
  for (const [name, { name: domain, valid, reason }] of Object.entries(NAMES)) {
    it(`${valid ? 'accepts' : 'rejects'} ${name}: ${reason}`, () => {
      const errors = validateDomainMapping(mapping(domain));
      assert.deepEqual(
        errors.map(({ path }) => path),
        valid ? [] : ['metadata.name'],
      );
    });
  }

  it('says in one sentence what a name must be', () => {
    const [error] = validateDomainMapping(mapping('localhost'));
    assert.match(error?.message ?? '', /^is "localhost"; it must be the domain to map, such as www\.example/);
  });

  it('has a certificate unless it says otherwise, and gets its defaults once', () => {
    for (const [given, want] of [
      [undefined, 'AUTOMATIC'],
      ['CERTIFICATE_MODE_UNSPECIFIED', 'AUTOMATIC'],
      ['AUTOMATIC', 'AUTOMATIC'],
      ['NONE', 'NONE'],
    ] as const) {
      const filled = defaultDomainMapping(mapping('www.example.com', { certificateMode: given }));
      assert.equal(filled.spec.certificateMode, want);
      assert.deepEqual(defaultDomainMapping(filled), filled);
    }
  });

  it('is checked by its schema', () => {
    const Model = modelOf(DOMAIN_MAPPING);
    new Model(mapping('www.example.com', { forceOverride: false }) as never).validate();
    for (const spec of [{ routeName: 'a.b' }, { certificateMode: 'MANUAL' as 'NONE' }]) {
      assert.throws(() => new Model(mapping('www.example.com', spec) as never).validate());
    }
  });

  it('warns that it takes no domain from another', () => {
    const paths = (forceOverride?: boolean) =>
      domainMappingWarnings(mapping('www.example.com', { forceOverride })).map(({ path }) => path);
    assert.deepEqual([paths(), paths(false), paths(true)], [[], [], ['spec.forceOverride']]);
  });
});
