import assert from 'node:assert/strict';
import { silent } from '../testing/until.ts';
import { capabilitiesOf } from './capabilities.ts';
import type { KubeClient } from './client.ts';
import { KubeError } from './errors.ts';

/** An API server that answers so, one answer after the other. */
function answering(...answers: (string[] | KubeError)[]): Pick<KubeClient, 'request'> {
  const request = async () => {
    const answer = answers.shift();
    if (!Array.isArray(answer)) throw answer;
    return { resources: answer.map((name) => ({ name })) };
  };
  return { request: request as KubeClient['request'] };
}

const options = { log: silent, signal: new AbortController().signal };

describe('abilitiesOf', () => {
  it('are what the API server lists', async () => {
    assert.deepEqual(await capabilitiesOf(answering(['pods', 'pods/resize']), options), {
      resizesPods: true,
    });
    assert.deepEqual(await capabilitiesOf(answering(['pods', 'pods/status']), options), {
      resizesPods: false,
    });
  });

  it('are asked for again while there is no answer', async () => {
    const away = new KubeError('away', { code: 'KUBE_UNREACHABLE' });
    assert.deepEqual(await capabilitiesOf(answering(away, ['pods/resize']), options), { resizesPods: true });
  });

  it('end with the process', async () => {
    const stop = new AbortController();
    stop.abort();
    await assert.rejects(capabilitiesOf(answering(), { ...options, signal: stop.signal }));
  });
});
