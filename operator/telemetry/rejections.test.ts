import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';

const MODULES = new URL('.', import.meta.url).href;

/** What a process does and says that survives rejections, and then runs `program`. */
function run(program: string): Promise<{ code: number; output: string; errors: string }> {
  const script = `
    import { createLogger } from '${MODULES}log.ts';
    import { registry } from '${MODULES}metrics/registry.ts';
    import { surviveRejections } from '${MODULES}rejections.ts';
    surviveRejections(createLogger('controller', 'info'));
    ${program}`;
  return new Promise((resolve) =>
    execFile(process.execPath, ['--input-type=module', '--eval', script], (error, output, errors) =>
      resolve({ code: Number(error?.code ?? 0), output, errors }),
    ),
  );
}

describe('surviveRejections', () => {
  it('logs an unhandled rejection with its stack, counts it, and goes on', async () => {
    const { code, output, errors } = await run(`
      function broken() { return Promise.reject(new TypeError('no such path')); }
      broken();
      Promise.reject('a text');
      setTimeout(async () => console.log(await registry.metrics()), 10);
    `);
    assert.equal(code, 0, errors);
    // On a busy machine the metrics may come first.
    const [first = '', second = ''] = output.split('\n').filter((line) => line.startsWith('{'));
    const { level, role, err } = JSON.parse(first);
    assert.deepEqual(
      [level, role, err.type, err.message],
      ['error', 'controller', 'TypeError', 'no such path'],
    );
    assert.match(err.stack, /at broken/);
    assert.match(JSON.parse(second).err.message, /a text/);
    assert.match(output, /^homerun_unhandled_rejections_total 2$/m);
  });

  it('leaves an uncaught exception fatal', async () => {
    const { code, output, errors } = await run(`
      setTimeout(() => console.log('went on'), 10);
      setTimeout(() => { throw new Error('half done'); }, 0);
    `);
    assert.notEqual(code, 0);
    assert.match(errors, /half done/);
    assert.doesNotMatch(output, /went on/);
  });
});
