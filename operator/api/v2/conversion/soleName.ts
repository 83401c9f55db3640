import { SOLE_CONTAINER } from '../../../apis/serving/container/names.ts';
import { items } from './cloudSql.ts';
import type { Lens } from './lens.ts';
import type { Fields } from './value.ts';

/**
 * Containers without the name that admission gives to an only one: in v2, a container has the name that a client gave it
 * (API reference v2, Container: name). To a client that gave none, any name would be a change by somebody else, which
 * Terraform undoes again and again.
 */
export function withoutSoleName(containers: Lens): Lens {
  return {
    fields: containers.fields,
    locate: (path) => containers.locate?.(path),
    read(stored, message, context) {
      containers.read(stored, message, context);
      if (!hasSoleName(message)) return;
      const [{ name: _, ...only } = {}] = items(message.containers);
      message.containers = [only];
    },
    write(message, stored, context, path) {
      const [only, ...others] = items(message.containers);
      const isUnnamed = only !== undefined && others.length === 0 && !only.name;
      const hadSoleName = () => {
        const before: Fields = {};
        containers.read(stored, before, context);
        return hasSoleName(before);
      };
      const named = isUnnamed && hadSoleName() ? [{ ...only, name: SOLE_CONTAINER }] : undefined;
      containers.write?.(named ? { ...message, containers: named } : message, stored, context, path);
    },
  };
}

function hasSoleName(message: Fields): boolean {
  const [only, ...others] = items(message.containers);
  return only?.name === SOLE_CONTAINER && others.length === 0;
}
