import { testErrors } from '../service/errorCases.ts';

describe('traffic of a service', () => {
  testErrors({
    'traffic with a tag of no share': {
      traffic: '[{percent: 100}, {revisionName: hello-1, tag: old}]',
      reason: 'as gcloud writes it',
    },
    'traffic that sums to 90': {
      traffic: '[{percent: 50}, {percent: 40, revisionName: hello-1}]',
      errors: [['spec.traffic', /sum to 90; they must sum to 100/]],
      reason: 'the remaining share is unassigned',
    },
    'a share of 101': {
      traffic: '[{percent: 101}, {percent: -1, revisionName: hello-1}]',
      errors: [
        ['spec.traffic[0].percent', /is 101; it must be a whole number from 0 to 100/],
        ['spec.traffic[1].percent', /is -1/],
      ],
      reason: 'the sum alone is not enough',
    },
    'a target that is named and the latest': {
      traffic: '[{percent: 100, revisionName: hello-1, latestRevision: true}]',
      errors: [
        [
          'spec.traffic[0].latestRevision',
          /is true; it must be false or unset, as revisionName is "hello-1"/,
        ],
      ],
      reason: 'it contradicts itself',
    },
    'a target that is neither named nor the latest': {
      traffic: '[{percent: 100, latestRevision: false}]',
      errors: [['spec.traffic[0].latestRevision', /is false; it must be true or unset/]],
      reason: 'it contradicts itself',
    },
    'a tag twice': {
      traffic: '[{percent: 100, tag: a}, {revisionName: hello-1, tag: a}]',
      errors: [['spec.traffic[1].tag', /is "a", the tag of another target/]],
      reason: 'one URL cannot go to two revisions',
    },
    'a tag that is no DNS label': {
      traffic: '[{percent: 100, tag: V_1}]',
      errors: [['spec.traffic[0].tag', /is "V_1"; it must be a DNS label/]],
      reason: 'it becomes part of a host name',
    },
    'a tag that is too long beside the name': {
      traffic: `[{percent: 100, tag: ${'t'.repeat(56)}}]`,
      errors: [['spec.traffic[0].tag', /has 64 characters, and a label of a host name may have at most 63/]],
      reason: 'one character too many',
    },
  });
});
