import { invalidFields } from '../../errors.ts';
import { ENV } from './container.ts';
import { FieldValueError, field, list, writeAll } from './lens.ts';
import { type Context, type Fields, LIST, SECONDS } from './value.ts';

/** RunJobRequest.Overrides, as annotation homerun.dev/overrides has them. */
const OVERRIDES = [
  list(
    'containerOverrides',
    ['containerOverrides'],
    undefined,
    field('name', ['name']),
    field('args', ['args'], LIST),
    field('clearArgs', ['clearArgs']),
    list('env', ['env'], undefined, ...ENV),
  ),
  field('taskCount', ['taskCount']),
  field('timeout', ['timeoutSeconds'], SECONDS),
];

/** The overrides of a request as v1 has them. @throws {ApiError} INVALID_ARGUMENT */
export function readOverrides(overrides: Fields): object {
  const stored: Fields = {};
  const context: Context = { place: '', aliases: new Map() };
  try {
    writeAll(OVERRIDES, overrides, stored, context, 'overrides');
  } catch (error) {
    if (!(error instanceof FieldValueError)) throw error;
    throw invalidFields([{ field: error.field, description: error.problem }]);
  }
  const [secret] = context.aliases.values();
  if (secret === undefined) return stored;
  const description = `names ${secret}; an override can only name a secret of the job's own project`;
  throw invalidFields([{ field: 'overrides.containerOverrides', description }]);
}
