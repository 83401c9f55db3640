import { equal, rejects } from 'node:assert/strict';
import { until } from './until.ts';

describe('until', () => {
  it('gives what the probe gives once that is true', async () => {
    const given = [undefined, false, '', 'found', 'more'];
    equal(await until('it', () => given.shift(), { everyMs: 0 }), 'found');
  });

  it('says what did not come in time', () =>
    rejects(
      until('the end', () => false, { timeoutMs: 1, everyMs: 0 }),
      { code: 'WAIT_TIMED_OUT', message: 'the end: not within 0.001 s' },
    ));

  it('ends with an error of the probe', () =>
    rejects(
      until('it', () => Promise.reject(new Error('away'))),
      { message: 'away' },
    ));

  it('goes on despite errors where that is asked for, and says the last one', async () => {
    const failing = () => Promise.reject(new Error('away'));
    await rejects(until('the end', failing, { timeoutMs: 1, everyMs: 0, despiteErrors: true }), {
      message: 'the end: not within 0.001 s: away',
      cause: new Error('away'),
    });
    const answers = [failing, () => true];
    equal(await until('it', () => answers.shift()?.(), { everyMs: 0, despiteErrors: true }), true);
  });
});
