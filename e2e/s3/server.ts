import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { S3Client, type S3Keys, type S3Options } from '../../operator/api/storage/s3/client.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { until } from '../../operator/testing/until.ts';
import { toolFolder } from '../chart/helm.ts';
import { Program } from '../lib/programs.ts';

const KEYS: S3Keys = { accessKeyId: 'homerun', secretAccessKey: 'secret of homerun' };
const REGION = 'local-1';

/** A server of the S3 API that is not ours, and checks signatures: Versity's gateway, whose buckets are folders. */
export class S3Server {
  readonly #folder: string;
  readonly #port: number;
  readonly #program: Program;
  readonly #dispatcher = new Agent();
  readonly keys = KEYS;

  static async start(): Promise<S3Server> {
    const folder = await mkdtemp(join(tmpdir(), 's3-'));
    await mkdir(join(folder, 'buckets'));
    const server = new S3Server(folder, await freePort());
    // Without a signature it refuses, which is an answer.
    await until('the S3 server', () => fetch(server.#endpoint), { despiteErrors: true });
    return server;
  }

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    const { accessKeyId, secretAccessKey } = KEYS;
    const at = ['--port', `127.0.0.1:${port}`, '--region', REGION, '--quiet'];
    this.#program = new Program('versitygw', folder, {
      command: [join(toolFolder('s3'), 'versitygw'), ...at, 'posix', join(folder, 'buckets')],
      env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    });
  }

  get #endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** A client of a bucket, which need not be there. */
  client(bucket: string, changes: Partial<S3Options> = {}): S3Client {
    return new S3Client({
      endpoint: this.#endpoint,
      bucket,
      region: REGION,
      keys: async () => KEYS,
      dispatcher: this.#dispatcher,
      timeoutMs: 10_000,
      ...changes,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.close();
    await this.#program.stop();
    await rm(this.#folder, { recursive: true });
  }
}
