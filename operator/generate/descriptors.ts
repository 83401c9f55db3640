import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { execPath } from 'node:process';
import { type GeneratedFile, generatedFrom } from './file.ts';

/** What the Admin API speaks: Cloud Run v2 with operations, locations, details of errors, entries of logs, and builds. */
const PROTOS = [
  'google/cloud/run/v2',
  'google/cloud/location/locations.proto',
  'google/longrunning/operations.proto',
  'google/rpc/error_details.proto',
  'google/logging/v2/logging.proto',
  // What the operation of a build has for its metadata and its response.
  'google/devtools/cloudbuild/v1/cloudbuild.proto',
];

/** operator/api/v2/descriptors.ts: the compiled protos of google-proto-files, with their options and without comments. */
export function descriptorsFile(): GeneratedFile {
  const { resolve } = createRequire(import.meta.url);
  const protos = dirname(resolve('google-proto-files/package.json'));
  const paths = PROTOS.flatMap((path) => ['--path', `${protos}/${path}`]);
  const build = ['build', protos, '--as-file-descriptor-set', '--exclude-source-info', ...paths, '-o', '-'];
  const buf = resolve('@bufbuild/buf/bin/buf');
  const set = execFileSync(execPath, [buf, ...build], {
    maxBuffer: 16 << 20,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const text = `// ${generatedFrom('google-proto-files')}

/** A google.protobuf.FileDescriptorSet in base64. */
export const DESCRIPTORS =
  '${set.toString('base64')}';
`;
  return { path: 'operator/api/v2/descriptors.ts', text };
}
