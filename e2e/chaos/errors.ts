/** Faults are injected into processes of this machine, which only the local node has. */
export class OnlyLocalNodeError extends Error {
  override readonly name = 'OnlyLocalNodeError';
  readonly code = 'ONLY_LOCAL_NODE';

  constructor(options?: ErrorOptions) {
    super(
      'there is no local node here: chaos is for the node that make cluster starts without Docker',
      options,
    );
  }
}

/** A disk is filled only where nothing but the node has files on it. */
export class SharedDiskError extends Error {
  override readonly name = 'SharedDiskError';
  readonly code = 'SHARED_DISK';

  constructor() {
    super(
      'the node has no file system of its own, and the disk of the machine is not filled: run make chaos',
    );
  }
}

/** Whether an error is one of Node's own with one of these codes. */
export function isNodeError(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}
