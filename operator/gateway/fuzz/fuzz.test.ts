import assert from 'node:assert/strict';
import { describeReport, fuzz } from './supervisor.ts';

/** The same cases on each run; `make fuzz` takes others. */
const SEED = 9;
/** About three seconds of each. */
const COUNTS = { instance: 500, client: 400 };

describe('gateway and generated traffic', function () {
  this.timeout(300_000);

  for (const [name, count] of Object.entries(COUNTS)) {
    const who = name === 'instance' ? 'an instance that answers anything' : 'a client that sends anything';
    it(`${who} gets right answers, clean rejections or broken connections, and harms no other client (seed ${SEED}, ${count} cases)`, async () => {
      const options = { name, seed: SEED, count };
      const report = await fuzz(options);
      assert.equal(report.kinds.length, 0, describeReport(options, report));
    });
  }
});
