import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const folders = (process.env.PATH ?? '').split(delimiter);

/** Whether gcloud is installed here. It is not asked: each of its answers costs a second. */
export const HAS_GCLOUD = folders.some((folder) => existsSync(join(folder, 'gcloud')));

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is one
const BOLD = /\x1b\[[0-9;]*m/g;

export interface GcloudResult {
  code: number;
  /** What it printed, to both outputs, without what makes texts bold. */
  text: string;
}

export interface Gcloud {
  /** Folder for manifests. */
  folder: string;
  run(args: readonly string[]): Promise<GcloudResult>;
  /** Removes its configuration. */
  remove(): void;
}

/** An Admin API, and whom gcloud is there. */
export interface GcloudTarget {
  address: string;
  port: number;
  /** PEM of the authority of its certificate. */
  authority: string;
  token: string;
  project: string;
  region: string;
}

/** The real gcloud with an Admin API as its HTTP proxy, and no other setting of the machine's. */
export function gcloudFor({ address, port, authority, token, project, region }: GcloudTarget): Gcloud {
  return gcloudWith({ 'ca.pem': authority, token }, (folder) => ({
    CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: join(folder, 'ca.pem'),
    CLOUDSDK_CORE_PROJECT: project,
    CLOUDSDK_RUN_REGION: region,
    CLOUDSDK_PROXY_TYPE: 'http',
    CLOUDSDK_PROXY_ADDRESS: address,
    CLOUDSDK_PROXY_PORT: String(port),
  }));
}

/**
 * The real gcloud for an API server itself (`--platform=kubernetes`), as whom a kubeconfig names by a client certificate. It
 * asks port 443 whatever the kubeconfig says, and wants the authority in it and not in a file.
 */
export function gcloudOnKubernetes(kubeconfig: object): Gcloud {
  return gcloudWith({ kubeconfig: JSON.stringify(kubeconfig), token: 'unused' }, (folder) => ({
    KUBECONFIG: join(folder, 'kubeconfig'),
    CLOUDSDK_RUN_PLATFORM: 'kubernetes',
  }));
}

function gcloudWith(
  files: Readonly<Record<string, string>>,
  settingsIn: (folder: string) => NodeJS.ProcessEnv,
): Gcloud {
  const folder = mkdtempSync(join(tmpdir(), 'homerun-gcloud-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const { PATH, HOME } = process.env;
  const env = {
    PATH,
    HOME,
    CLOUDSDK_CONFIG: folder,
    CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: join(folder, 'token'),
    CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
    CLOUDSDK_CORE_SHOULD_PROMPT_TO_ENABLE_API: 'false',
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
    CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: '1',
    CLOUDSDK_SURVEY_DISABLE_PROMPTS: 'true',
    ...settingsIn(folder),
  };
  return {
    folder,
    run: (args) =>
      new Promise((resolve) => {
        execFile('gcloud', args as string[], { env, timeout: 240_000 }, (error, stdout, stderr) => {
          const code = error ? Number(error.code ?? 1) : 0;
          resolve({ code, text: `${stdout}\n${stderr}`.replaceAll(BOLD, '') });
        });
      }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
