import { equal, match } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const scripts = resolve(import.meta.dirname, '..');

/** The image as `build` makes it, without the layers of Debian and Node, which take a minute and are made the same way. */
const BUILD = `
  set -euo pipefail
  umask 022
  source "$SCRIPTS/cluster/lib.sh"
  source "$SCRIPTS/images/oci.sh"
  source "$SCRIPTS/images/homerun.sh"
  mkdir -p "$layers" "$images"
  bundle=$(mktemp -d)
  make_bundle
  layer app app_files
  image homerun:1 homerun "$(homerun_settings 1)" app >/dev/null
  image_digest "$images/homerun"`;

describe("Homerun's image", () => {
  it('has one digest, wherever, whenever and in whatever language it is built', function () {
    this.timeout(120_000);
    const digestIn = (settings: NodeJS.ProcessEnv) => {
      const work = mkdtempSync(join(tmpdir(), 'homerun-reproducible-'));
      try {
        const env = { ...process.env, ...settings, SCRIPTS: scripts, HOMERUN_CACHE: work, TMPDIR: work };
        return execFileSync('bash', ['-c', BUILD], { env, encoding: 'utf8' }).trim();
      } finally {
        rmSync(work, { recursive: true });
      }
    };
    const digest = digestIn({ TZ: 'UTC', LANG: 'C' });
    match(digest, /^sha256:[0-9a-f]{64}$/);
    equal(digestIn({ TZ: 'Asia/Tokyo', LANG: 'de_DE.UTF-8' }), digest);
  });
});
