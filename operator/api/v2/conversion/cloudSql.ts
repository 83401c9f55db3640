import { RUN } from '../../../apis/annotations/run.ts';
import { deepEqual } from '../../../kube/json.ts';
import { isAt, type Lens, locate, type Path, readAll, setAt, valueAt, writeAll } from './lens.ts';
import { COMMAS, type Context, type Fields } from './value.ts';

/** The volume that stands for the annotation, and where the main container has it (Cloud Run, Connect to Cloud SQL). */
const NAME = 'cloudsql';
const MOUNT = { name: NAME, mountPath: '/cloudsql' };

/**
 * Lenses on containers and volumes, with the connections to Cloud SQL: v2 has a volume and mounts for what is an
 * annotation in v1.
 */
export function withCloudSql(metadata: Path, ...lenses: Lens[]): Lens {
  const path = [...metadata, 'annotations', RUN.cloudsqlInstances];
  const instancesOf = (stored: Fields, context: Context) => COMMAS.read(valueAt(stored, path), context);
  return {
    fields: lenses.flatMap(({ fields }) => fields),
    locate: (found) => (isAt(found, path) ? 'volumes' : locate(lenses, found)),
    read(stored, message, context) {
      Object.assign(message, readAll(lenses, stored, context));
      const instances = instancesOf(stored, context);
      if (!instances) return;
      message.volumes = [...items(message.volumes), { name: NAME, cloudSqlInstance: { instances } }];
      const main = mainContainer(items(message.containers));
      if (main) main.volumeMounts = [...items(main.volumeMounts), MOUNT];
    },
    write(message, stored, context, parent) {
      const volumes = items(message.volumes);
      const connections = volumes.filter(({ cloudSqlInstance }) => cloudSqlInstance !== undefined);
      const names = new Set(connections.map(({ name }) => name));
      const others = {
        ...message,
        volumes: unlessEmpty(volumes.filter(({ name }) => !names.has(name))),
        containers: unlessEmpty(
          items(message.containers).map((container) => withoutMounts(container, names)),
        ),
      };
      writeAll(lenses, others, stored, context, parent);
      const instances = unlessEmpty(
        connections.flatMap(
          ({ cloudSqlInstance }) => (cloudSqlInstance as { instances?: string[] }).instances ?? [],
        ),
      );
      if (deepEqual(instancesOf(stored, context), instances)) return;
      setAt(stored, path, instances && COMMAS.write(instances, context));
    },
  };
}

/** The container that requests go to, or the first one. */
export function mainContainer(containers: readonly Fields[]): Fields | undefined {
  return containers.find(({ ports }) => items(ports).length > 0) ?? containers[0];
}

function withoutMounts(container: Fields, volumes: ReadonlySet<unknown>): Fields {
  if (!container.volumeMounts || volumes.size === 0) return container;
  const mounts = items(container.volumeMounts).filter(({ name }) => !volumes.has(name));
  return { ...container, volumeMounts: unlessEmpty(mounts) };
}

/** The items of a list that may be unset. */
export function items(list: unknown): Fields[] {
  return (list ?? []) as Fields[];
}

function unlessEmpty<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined;
}
