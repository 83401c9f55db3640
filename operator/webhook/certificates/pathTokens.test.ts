import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Secret } from '../../kube/core.ts';
import {
  isToken,
  ofEachPath,
  type PathTokens,
  pathsDue,
  pathToName,
  SECRET_PATHS,
  type SecretPath,
  secretPathOf,
  TOKEN_LIFE_MS,
  tokensKey,
  tokensOf,
  withToken,
} from './pathTokens.ts';
import { PROPAGATION_MS } from './rotation.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const MINUTE = 60_000;
const [OLD, NEW, OTHER] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];
const EMPTY = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } } as Secret;

const secretWith = (text: string): Secret => ({
  ...EMPTY,
  data: { 'tls.crt': 'YQ==', [tokensKey('evict')]: Buffer.from(text).toString('base64') },
});

/** Tokens of one path alone. */
const only = (path: SecretPath, tokens: PathTokens[SecretPath]): PathTokens =>
  ofEachPath((each) => (each === path ? tokens : []));

describe('the secret paths', () => {
  it('are those of the webhooks that the chart gives their names', () => {
    const names = ['evict.homerun.dev', 'lookup.homerun.dev', 'default.homerun.dev', 'evict', 'toString'];
    assert.deepEqual(names.map(secretPathOf), ['evict', 'lookup', undefined, undefined, undefined]);
  });
});

describe('tokens of a secret path', () => {
  const texts: Record<string, { text: string; want: string[]; reason: string }> = {
    none: { text: '', want: [], reason: 'a Secret of an earlier version has none' },
    two: {
      text: `2026-01-02T00:00:00Z ${NEW}\n2026-01-01T00:00:00Z ${OLD}\n`,
      want: [NEW, OLD],
      reason: 'the newest comes first',
    },
    'a line that is none': { text: `x\n2026-01-01T00:00:00Z ${OLD}`, want: [OLD], reason: 'it is left out' },
    'a short one': { text: '2026-01-01T00:00:00Z ab', want: [], reason: 'it could be guessed' },
    'one in capital letters': {
      text: `2026-01-01T00:00:00Z ${'A'.repeat(64)}`,
      want: [],
      reason: 'the API server takes no such path',
    },
    'one without a time': { text: `soon ${OLD}`, want: [], reason: 'it would never be replaced' },
    many: {
      text: [NEW, OLD, OTHER].map((token) => `2026-01-01T00:00:00Z ${token}`).join('\n'),
      want: [NEW, OLD],
      reason: 'API servers name none but the newest two',
    },
  };
  for (const [name, { text, want, reason }] of Object.entries(texts)) {
    it(`are read: ${name}`, () => {
      const { evict, lookup } = tokensOf(secretWith(text));
      assert.deepEqual(
        evict.map(({ token }) => token),
        want,
        reason,
      );
      assert.deepEqual(lookup, [], 'each path has its own');
    });
  }

  for (const path of SECRET_PATHS) {
    it(`of /${path} are added first, and everything else stays`, () => {
      const before = withToken(withToken(secretWith(''), 'lookup', OTHER, 0), 'evict', OTHER, 0);
      const first = withToken(before, path, OLD, NOW);
      const second = withToken(first, path, NEW, NOW + TOKEN_LIFE_MS);
      const others = ofEachPath(() => [{ token: OTHER, madeAt: 0 }]);
      assert.deepEqual(tokensOf(second), {
        ...others,
        [path]: [
          { token: NEW, madeAt: NOW + TOKEN_LIFE_MS },
          { token: OLD, madeAt: NOW },
        ],
      });
      assert.equal(second.data?.['tls.crt'], 'YQ==');
    });

    it(`of /${path} are replaced when there is none or when the newest is old`, () => {
      const tokens = ofEachPath(() => [{ token: NEW, madeAt: NOW }]);
      assert.deepEqual(pathsDue({ ...tokens, [path]: [] }, NOW), [path]);
      assert.deepEqual(pathsDue(tokens, NOW + TOKEN_LIFE_MS - 1), []);
      const younger = [{ token: NEW, madeAt: NOW + 1 }];
      const others = { ...ofEachPath(() => younger), [path]: tokens[path] };
      assert.deepEqual(pathsDue(others, NOW + TOKEN_LIFE_MS), [path]);
    });
  }

  it('are told from other texts', () => {
    const tokens = [NEW, OLD].map((token) => ({ token, madeAt: NOW }));
    for (const text of [NEW, OLD]) assert.equal(isToken(text, tokens), true);
    for (const text of ['', 'b', OTHER, `${NEW}b`, NEW.toUpperCase()])
      assert.equal(isToken(text, tokens), false);
    assert.equal(isToken('', []), false);
  });
});

for (const path of SECRET_PATHS)
  describe(`the path for /${path} in the configuration`, () => {
    const tokens = [
      { token: NEW, madeAt: NOW },
      { token: OLD, madeAt: NOW - TOKEN_LIFE_MS },
    ];
    const cases: Record<
      string,
      { named?: string; count?: number; after?: number; want?: string; reason: string }
    > = {
      'not named yet': { count: 1, want: NEW, reason: 'nobody knows another one, so nothing is waited for' },
      'with a new token': { named: OLD, after: MINUTE, want: OLD, reason: 'a replica may not have read it' },
      'with a token of ten minutes': {
        named: OLD,
        after: PROPAGATION_MS,
        want: NEW,
        reason: 'all have read it',
      },
      'that was taken away meanwhile': { after: MINUTE, want: OLD, reason: 'all replicas know this one' },
      'that another replica has written': {
        named: NEW,
        after: -MINUTE,
        want: NEW,
        reason: 'two clocks that differ must not write in turn',
      },
      'with a token that is not ours': {
        named: OTHER,
        after: 0,
        want: OLD,
        reason: 'no replica answers there',
      },
      'while there is no token': { named: OLD, count: 0, want: OLD, reason: 'one is being made' },
    };
    const pathOf = (token?: string) => token && `/${path}/${token}`;
    for (const [name, { named, count = 2, after = 0, want, reason }] of Object.entries(cases)) {
      it(name, () => {
        const known = only(path, tokens.slice(0, count));
        assert.equal(pathToName(path, pathOf(named), known, NOW + after), pathOf(want), reason);
      });
    }

    it('of an older chart is left alone, whose webhooks answer it', () => {
      assert.equal(pathToName(path, `/${path}`, only(path, tokens), NOW + PROPAGATION_MS), undefined);
    });

    it('is answered by every replica at any time, however late it reads', () => {
      const step = fc.record({
        ms: fc.oneof(
          fc.integer({ min: 30_000, max: PROPAGATION_MS }),
          fc.integer({ min: PROPAGATION_MS, max: 10 * 86_400_000 }),
        ),
        lagMs: fc.integer({ min: 0, max: PROPAGATION_MS / 4 }),
        skewMs: fc.integer({ min: -PROPAGATION_MS / 4, max: PROPAGATION_MS / 4 }),
      });
      fc.assert(
        fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
          let now = NOW;
          const history = [{ at: 0, secret: withToken(EMPTY, path, OLD, NOW) }];
          let named: string | undefined;
          /** What a replica knows that is behind. */
          const seen = (lagMs: number) => history.findLast(({ at }) => at <= now - lagMs)?.secret;
          for (const [i, { ms, lagMs, skewMs }] of steps.entries()) {
            now += ms;
            const latest = history.at(-1)?.secret ?? EMPTY;
            const before = named;
            // Who is behind has a conflict, and writes nothing.
            if (seen(lagMs) === latest) {
              const tokens = tokensOf(latest);
              if (pathsDue(tokens, now + skewMs).includes(path)) {
                const token = i.toString(16).padStart(64, '0');
                history.push({ at: now, secret: withToken(latest, path, token, now + skewMs) });
              } else named = pathToName(path, named, tokens, now + skewMs);
            }
            // API servers may not have read the new name, nor a replica the new token.
            for (const asked of [before, named].filter((each) => each !== undefined)) {
              for (const secret of [seen(0), seen(PROPAGATION_MS / 4)])
                assert.ok(isToken(asked.replace(`/${path}/`, ''), tokensOf(secret)[path]), asked);
            }
          }
        }),
      );
    });
  });
