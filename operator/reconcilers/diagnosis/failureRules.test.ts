import assert from 'node:assert/strict';
import { FAILURE_RULES, isTransient, ruleOf } from './failureRules.ts';

/** What kubelets write, with the runtimes containerd, CRI-O and Docker. */
const CASES: Record<string, { reason: string; message: string; row: keyof typeof FAILURE_RULES }> = {
  'tag unknown to containerd': {
    reason: 'ErrImagePull',
    message:
      'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/a:1": failed to resolve reference "docker.io/library/a:1": docker.io/library/a:1: not found',
    row: 'imageNotFound',
  },
  'tag unknown to CRI-O': {
    reason: 'ErrImagePull',
    message: 'initializing source docker://quay.io/a:1: reading manifest 1 in quay.io/a: manifest unknown',
    row: 'imageNotFound',
  },
  'reported while the kubelet waits': {
    reason: 'ImagePullBackOff',
    message:
      'Back-off pulling image "a:1": ErrImagePull: failed to pull and unpack image "a:1": failed to resolve reference "a:1": a:1: not found',
    row: 'imageNotFound',
  },
  'a layer that the node has lost': {
    reason: 'ErrImagePull',
    message:
      'failed to pull and unpack image "a:1": failed to extract layer sha256:ab: failed to get reader from content store: content digest sha256:cd: not found',
    row: 'image',
  },
  'no credentials': {
    reason: 'ErrImagePull',
    message:
      'failed to pull and unpack image "r/a:1": failed to resolve reference "r/a:1": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://r/token: 401 Unauthorized',
    row: 'imageUnauthorized',
  },
  'no right to the repository': {
    reason: 'ErrImagePull',
    message:
      'failed to pull and unpack image "ghcr.io/o/a:1": failed to resolve reference "ghcr.io/o/a:1": denied: requested access to the resource is denied',
    row: 'imageUnauthorized',
  },
  'the token service does not answer': {
    reason: 'ErrImagePull',
    message:
      'failed to resolve reference "r/a:1": failed to authorize: failed to fetch anonymous token: Get "https://r/token": dial tcp: i/o timeout',
    row: 'image',
  },
  'Docker Hub does not say which': {
    reason: 'ErrImagePull',
    message:
      'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    row: 'imageNotFound',
  },
  'the registry has had enough': {
    reason: 'ErrImagePull',
    message:
      'failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/a/manifests/1: 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit.',
    row: 'pullPutOff',
  },
  'the kubelet has had enough': { reason: 'ErrImagePull', message: 'pull QPS exceeded', row: 'pullPutOff' },
  'a registry that cannot be reached': {
    reason: 'ErrImagePull',
    message: 'failed to do request: Head "https://r/v2/a/manifests/1": dial tcp 10.0.0.1:443: i/o timeout',
    row: 'image',
  },
  'a back-off without its cause': {
    reason: 'ImagePullBackOff',
    message: 'Back-off pulling image "a:1"',
    row: 'image',
  },
  'a name that is none': { reason: 'InvalidImageName', message: "couldn't parse", row: 'imageName' },
  'a secret that is missing': {
    reason: 'CreateContainerConfigError',
    message: 'secret "s" not found',
    row: 'container',
  },
  'a key that is missing': {
    reason: 'CreateContainerConfigError',
    message: "couldn't find key 3 in Secret demo/s",
    row: 'container',
  },
  'a program that is missing': {
    reason: 'RunContainerError',
    message:
      'failed to create containerd task: runc create failed: unable to start container process: exec: "/nope": no such file or directory',
    row: 'program',
  },
  'a volume': { reason: 'FailedMount', message: 'mount failed: exit status 32', row: 'mount' },
};

describe('what keeps an instance from starting', () => {
  for (const [name, { row, ...waiting }] of Object.entries(CASES)) {
    it(`${name}: ${FAILURE_RULES[row].description}`, () => assert.equal(ruleOf(waiting), FAILURE_RULES[row]));
  }

  it('is nothing where a container is only slow, or has ended', () => {
    for (const reason of ['ContainerCreating', 'PodInitializing', 'CrashLoopBackOff']) {
      assert.equal(ruleOf({ reason }), undefined);
    }
  });

  it('is waited out for the whole start limit unless it certainly stays', () => {
    const short = Object.entries(FAILURE_RULES).filter(([, { limit }]) => limit === 'crashSeconds');
    assert.deepEqual(
      short.map(([name]) => name),
      ['imageName', 'imageNotFound', 'imageUnauthorized', 'program', 'sourceRefused', 'ends'],
    );
  });

  it('may have gone, unless the program itself did not do', () => {
    for (const reason of ['ContainerMissing', 'CreateContainerConfigError', 'FailedMount'])
      assert.ok(isTransient({ reason }), reason);
    for (const reason of ['ExitCode1', 'HealthCheckContainerError', 'OutOfMemory', 'StartError', undefined])
      assert.ok(!isTransient({ reason }), reason);
  });
});
