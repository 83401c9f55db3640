import type { PatchOperation } from '../admission/jsonPatch.ts';
import type { AdmissionResponse } from '../admission/review.ts';

/** The operations of a response's patch. */
export function patchOf({ patch }: AdmissionResponse): PatchOperation[] {
  return patch === undefined ? [] : JSON.parse(Buffer.from(patch, 'base64').toString());
}

/** The object after the patch; the same one where there is nothing to change. */
export function patched<T>(object: T, operations: readonly PatchOperation[]): T {
  // It may be too deep to be copied.
  if (operations.length === 0) return object;
  const root = { object: structuredClone(object) } as { object: T };
  for (const operation of operations) {
    const keys = operation.path
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop();
    let at: Record<string, unknown> = root as never;
    for (const key of last === undefined ? [] : ['object', ...keys]) at = at[key] as never;
    const key = last ?? 'object';
    const present = Object.hasOwn(at, key);
    if (present !== (operation.op !== 'add')) throw new Error(`${operation.op} ${operation.path}`);
    if (operation.op === 'remove') delete at[key];
    else at[key] = operation.value;
  }
  return root.object;
}
