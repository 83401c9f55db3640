import { request } from 'node:https';
import { type ApiInstallation, HOST, type PEOPLE, REGION } from './installation.ts';

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire
  body: any;
  /** Values of its headers `Warning`. */
  warnings: string[];
}

export interface CallOptions {
  body?: unknown;
  as?: keyof typeof PEOPLE;
  /** Instead of that of `as`. */
  token?: string;
  host?: string;
  port?: number;
}

/** What calls the Admin API of an installation, as gcloud does. */
export function clientOf(installation: ApiInstallation) {
  return (method: string, path: string, options: CallOptions = {}): Promise<Answer> => {
    const { body, as = 'editor', host = `${REGION}-${HOST}`, port = installation.api.port } = options;
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      host,
      authorization: `Bearer ${options.token ?? installation.tokens[as]}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    };
    const tls = { servername: host, ca: installation.authority, agent: false };
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method, path, headers, ...tls }, async (response) => {
        let received = '';
        for await (const chunk of response) received += chunk;
        const { statusCode: status = 0, headersDistinct } = response;
        const { warning: warnings = [] } = headersDistinct;
        resolve({ status, body: received === '' ? undefined : JSON.parse(received), warnings });
      });
      sent.on('error', reject);
      sent.end(text);
    });
  };
}
