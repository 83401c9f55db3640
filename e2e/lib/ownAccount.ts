import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

// Loaded before a role (node --import). In a pod the files of its service account have the same path everywhere; here each role
// has them in the folder in which it runs.

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/';
const { readFileSync } = fs;

function ownPath(path: unknown): unknown {
  if (typeof path !== 'string' || !path.startsWith(MOUNT)) return path;
  return join(process.cwd(), path.slice(MOUNT.length));
}

fs.readFileSync = ((path: unknown, ...rest: unknown[]) =>
  Reflect.apply(readFileSync, fs, [ownPath(path), ...rest])) as typeof readFileSync;
syncBuiltinESMExports();
