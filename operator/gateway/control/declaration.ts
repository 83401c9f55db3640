/** Requests in instances: revision (`namespace/name`) -> UID of the instance's pod -> how many. */
export type Held = Readonly<Record<string, Readonly<Record<string, number>>>>;

/**
 * What a gateway declares to another one: an upper bound of what it uses. It may fill all slots of the revisions that it
 * owns among `members`, and has no more than `held` in the instances of all others.
 */
export interface Declaration {
  /** UID of the sender's pod, and the number of its life: higher after a restart of its process and after a fence. */
  readonly from: string;
  readonly life: number;
  /** Rises with each change of what follows. */
  readonly sequence: number;
  /**
   * The sender uses nothing before the receiver follows it: it has seen the receiver run when it joined, or has not joined.
   */
  readonly awaits: boolean;
  /** UIDs of the pods of the gateways among which it takes part, sorted. */
  readonly members: readonly string[];
  readonly held: Held;
  /** Its pod is being deleted: it never sends another request to an instance of a revision with a limit. */
  readonly leaving: boolean;
  /** When it was sent, by the sender's clock. */
  readonly at: number;
  /** The last declaration that the sender has from the receiver, and follows. */
  readonly follows?: Followed;
}

export interface Followed {
  readonly life: number;
  readonly sequence: number;
  readonly at: number;
}

/** What is in the instances of revisions whose slots the sender does not declare to fill. */
export function heldElsewhere(inFlight: Held, owns: (revision: string) => boolean): Held {
  return Object.fromEntries(Object.entries(inFlight).filter(([revision]) => !owns(revision)));
}

export function sameHeld(a: Held, b: Held): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export class DeclarationError extends Error {
  readonly code = 'GATEWAY_DECLARATION_INVALID';
}

/**
 * Checks a declaration before anything follows from it.
 * @throws {DeclarationError} naming the first field that is invalid.
 */
export function checkDeclaration(body: unknown): Declaration {
  const declaration = record(body, 'the declaration');
  const { from, members, held, follows } = declaration;
  if (typeof from !== 'string') throw invalid('from', from, 'a text');
  for (const field of ['life', 'sequence', 'at']) finite(declaration[field], field);
  if (!Array.isArray(members) || !members.every((member) => typeof member === 'string')) {
    throw invalid('members', members, 'a list of texts');
  }
  for (const [revision, instances] of Object.entries(record(held, 'held'))) {
    for (const [instance, count] of Object.entries(record(instances, `held.${revision}`))) {
      finite(count, `held.${revision}.${instance}`);
    }
  }
  for (const field of ['awaits', 'leaving']) {
    if (typeof declaration[field] !== 'boolean') throw invalid(field, declaration[field], 'true or false');
  }
  if (follows !== undefined) {
    const followed = record(follows, 'follows');
    for (const field of ['life', 'sequence', 'at']) finite(followed[field], `follows.${field}`);
  }
  return body as Declaration;
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw invalid(field, value, 'an object');
}

function finite(value: unknown, field: string): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(field, value, 'a number');
}

function invalid(field: string, value: unknown, wanted: string): DeclarationError {
  return new DeclarationError(`gateway declaration: ${field} is ${JSON.stringify(value)}, not ${wanted}`);
}
