import { EnvHttpProxyAgent } from 'undici';
import type { Config } from '../../../config.ts';
import { S3Client } from './client.ts';
import { readKeys } from './keys.ts';

/** The client of the store that the configuration names; HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured. */
export function s3Client({ keys, timeoutSeconds, ...where }: Config['api']['storage']['s3']): S3Client {
  return new S3Client({
    ...where,
    keys: () => readKeys(keys),
    dispatcher: new EnvHttpProxyAgent({ allowH2: false }),
    timeoutMs: timeoutSeconds * 1000,
  });
}
