import { createHash } from 'node:crypto';

/** Maximum length of a DNS label, and so of every name that becomes part of a host name or a label value. */
export const MAX_NAME = 63;

/** Longest name of any object (Kubernetes, Object names). */
export const MAX_OBJECT_NAME = 253;

const HASH_LENGTH = 8;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/**
 * `parent` with `suffix`, at most 63 characters: a parent that is too long is truncated, and a hash of both keeps two
 * such names distinct. The same arguments always give the same name.
 */
export function childName(parent: string, suffix: string): string {
  if (parent.length + suffix.length <= MAX_NAME) return parent + suffix;
  const hash = createHash('sha256')
    .update(parent)
    .update('\0')
    .update(suffix)
    .digest('hex')
    .slice(0, HASH_LENGTH);
  const room = MAX_NAME - HASH_LENGTH - 1 - suffix.length;
  // A suffix that leaves no room for the parent is dropped: the hash covers both.
  if (room < 1) return `${parent.slice(0, MAX_NAME - HASH_LENGTH - 1).replace(/[-.]+$/, '')}-${hash}`;
  return `${parent.slice(0, room).replace(/[-.]+$/, '')}-${hash}${suffix}`;
}

/** Letters derived from `seed`, evenly distributed. */
export function letters(seed: string, count: number): string {
  const bytes = createHash('sha256').update(seed).digest();
  return Array.from({ length: count }, (_, i) => LETTERS[bytes.readUInt16BE(2 * i) % LETTERS.length]).join(
    '',
  );
}

/**
 * Name of the revision of a configuration's generation, such as `hello-00002-kzt`. The letters are derived from UID and
 * generation: a restarted reconciler creates the same revision, and a service that is deleted and created again does not
 * collide with revisions of its predecessor.
 */
export function revisionName({
  name,
  uid = '',
  generation = 1,
}: {
  name: string;
  uid?: string;
  generation?: number;
}): string {
  const number = String(generation).padStart(5, '0');
  return childName(name, `-${number}-${letters(`${uid}/${generation}`, 3)}`);
}

/** Name of the Deployment that runs a revision's instances; tools made for Knative look for this name. */
export function deploymentName(revision: string): string {
  return childName(revision, '-deployment');
}

/** Name of what is made for the domain of a domain mapping: its Certificate, the Secret of that, its HTTPRoute. */
export function mappingChildName(host: string): string {
  return childName(host, '-mapping');
}

/**
 * Name of the batch/v1 Job that runs an execution. Kubernetes appends a dash and the highest index of a task, and the
 * whole must be a DNS label.
 */
export function batchJobName(execution: string): string {
  const highest = '-9999';
  return childName(execution, highest).slice(0, -highest.length);
}
