import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { mergePermissions, type Permission } from './rbac.ts';

describe('mergePermissions', () => {
  it('unites the verbs of a resource and groups resources with equal verbs', () => {
    const permissions: Permission[] = [
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['watch', 'list'] },
      { apiGroups: ['', 'apps'], resources: ['pods'], verbs: ['list'] },
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch', 'list'] },
      { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['list', 'patch', 'watch'] },
    ];
    deepEqual(mergePermissions(permissions), [
      { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
      { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['list', 'patch', 'watch'] },
      { apiGroups: ['apps'], resources: ['pods'], verbs: ['list'] },
    ]);
  });

  it('keeps what is granted for some objects apart from what is granted for all', () => {
    const permissions: Permission[] = [
      { apiGroups: [''], resources: ['secrets'], verbs: ['update', 'get'], resourceNames: ['b', 'a'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['watch'], resourceNames: ['a', 'b'] },
    ];
    deepEqual(mergePermissions(permissions), [
      { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
      {
        apiGroups: [''],
        resources: ['secrets'],
        verbs: ['get', 'update', 'watch'],
        resourceNames: ['a', 'b'],
      },
    ]);
  });

  it('grants exactly what was asked for, in one order whatever the order of the parts', () => {
    const part = (choices: string[]) => fc.subarray(choices, { minLength: 1 });
    const permission = fc.record({
      apiGroups: part(['', 'apps']),
      resources: part(['pods', 'services', 'secrets']),
      verbs: part(['get', 'list', 'patch']),
    });
    const triples = (permissions: readonly Permission[]) =>
      new Set(
        permissions.flatMap(({ apiGroups, resources, verbs }) =>
          apiGroups.flatMap((group) =>
            resources.flatMap((name) => verbs.map((verb) => `${group}/${name}:${verb}`)),
          ),
        ),
      );
    fc.assert(
      fc.property(fc.array(permission), (permissions) => {
        const merged = mergePermissions(permissions);
        deepEqual([...triples(merged)].sort(), [...triples(permissions)].sort());
        deepEqual(mergePermissions(permissions.toReversed()), merged);
      }),
    );
  });
});
