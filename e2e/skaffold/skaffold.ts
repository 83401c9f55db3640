import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GcloudTarget } from '../../operator/api/testing/gcloud.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { toolFolder } from '../chart/helm.ts';

/** What Skaffold did. */
export interface SkaffoldResult {
  code: number;
  /** What it printed, to both outputs. */
  text: string;
}

/** Skaffold in a project of its own. */
export interface Skaffold {
  /** Writes the manifests that it deploys from now on. */
  write(manifests: readonly object[]): void;
  run(...args: string[]): Promise<SkaffoldResult>;
  /**
   * Deploys, and gives the URL of each service as Skaffold tells it to programs, by the service's name.
   * @param built the images that a build has made, by the names that manifests have for them.
   */
  deploy(
    built?: Readonly<Record<string, string>>,
  ): Promise<SkaffoldResult & { urls: Record<string, string> }>;
  remove(): void;
}

/** As docs/skaffold.md has it: Skaffold asks this program for a token, in the place of gcloud. */
const GCLOUD = `#!/bin/sh
printf '{"access_token": "%s"}' "$(cat "$HOME/homerun-token")"
`;

/** Skaffold as it is built here, with an Admin API as its HTTP proxy, and no setting of the machine's. */
export function skaffoldFor({ address, port, authority, token, project, region }: GcloudTarget): Skaffold {
  const folder = mkdtempSync(join(tmpdir(), 'homerun-skaffold-'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/gcloud'), GCLOUD, { mode: 0o755 });
  writeFileSync(join(folder, 'homerun-token'), token);
  writeFileSync(join(folder, 'ca.pem'), authority);
  const config = {
    apiVersion: 'skaffold/v4beta13',
    kind: 'Config',
    manifests: { rawYaml: ['*.manifest.json'] },
    deploy: { cloudrun: { projectid: project, region } },
  };
  writeFileSync(join(folder, 'skaffold.yaml'), JSON.stringify(config));
  const program = join(toolFolder('skaffold'), 'skaffold');
  const env = {
    HOME: folder,
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    HTTPS_PROXY: `http://${address}:${port}`,
    SSL_CERT_FILE: join(folder, 'ca.pem'),
    SKAFFOLD_INTERACTIVE: 'false',
    SKAFFOLD_UPDATE_CHECK: 'false',
  };
  const run = (...args: string[]) =>
    new Promise<SkaffoldResult>((resolve) => {
      execFile(program, args, { cwd: folder, env, timeout: 240_000 }, (error, stdout, stderr) => {
        const code = error ? Number(error.code ?? 1) : 0;
        resolve({ code, text: `${stdout}\n${stderr}` });
      });
    });
  return {
    write(manifests) {
      manifests.forEach((manifest, i) => {
        writeFileSync(join(folder, `${i}.manifest.json`), JSON.stringify(manifest));
      });
    },
    run,
    async deploy(built = {}) {
      const builds = Object.entries(built).map(([imageName, tag]) => ({ imageName, tag }));
      writeFileSync(join(folder, 'images.json'), JSON.stringify({ builds }));
      const events = join(folder, 'events');
      // Skaffold keeps events only while a program could ask for them.
      const told = [`--rpc-port=${await freePort()}`, `--event-log-file=${events}`];
      const result = await run('deploy', '--build-artifacts=images.json', ...told);
      // It appends the version to the name.
      const text = readFileSync(`${events}.v2`, 'utf8');
      rmSync(`${events}.v2`);
      return { ...result, urls: urlsOf(text) };
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

interface SkaffoldEvent {
  cloudRunReadyEvent?: { resource: string; url: string };
}

/** The URLs in Skaffold's event log, an event a line, by the last part of the name of each service. */
function urlsOf(log: string): Record<string, string> {
  const events: SkaffoldEvent[] = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const ready = events.flatMap(({ cloudRunReadyEvent }) => cloudRunReadyEvent ?? []);
  return Object.fromEntries(ready.map(({ resource, url }) => [resource.split('/').at(-1), url]));
}
