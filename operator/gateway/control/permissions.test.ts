import assert from 'node:assert/strict';
import type { Permission } from '../../rbac.ts';
import { AFFINITY_SECRET } from './affinityKey.ts';
import { namespacePermissions, permissions } from './permissions.ts';

describe('what the gateway may do, which faces the internet', () => {
  const about = (rules: readonly Permission[], resource: string) =>
    rules.filter(({ resources }) => resources.includes(resource));

  it('it reads no Secret where the services are', () => {
    assert.deepEqual(about(permissions, 'secrets'), []);
  });

  it('it reads one Secret in its own namespace by name, and writes none', () => {
    const granted = about(namespacePermissions, 'secrets');
    assert.deepEqual(granted, [
      {
        apiGroups: [''],
        resources: ['secrets'],
        verbs: ['get', 'list', 'watch'],
        resourceNames: [AFFINITY_SECRET],
      },
    ]);
  });

  it('no rule is for all groups, resources or verbs', () => {
    const words = [...permissions, ...namespacePermissions].flatMap((rule) => [
      ...rule.apiGroups,
      ...rule.resources,
      ...rule.verbs,
    ]);
    assert.ok(!words.includes('*'));
  });
});
