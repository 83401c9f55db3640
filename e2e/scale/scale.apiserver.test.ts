import assert from 'node:assert/strict';
import { toolFolder } from '../chart/helm.ts';
import { SMOKE } from './parameters.ts';
import type { Measure } from './result.ts';
import { measureScale } from './run.ts';

describe('make scale, at a size of seconds', function () {
  this.timeout(600_000);

  before(function () {
    this.timeout(1_800_000);
    toolFolder('kwok');
  });

  it('measures all that it should, with roles that stay alive', async () => {
    const measures = new Map<string, Measure>();
    await measureScale(SMOKE, (...more) => {
      for (const measure of more) measures.set(measure.name, measure);
    });
    for (const [name, { value }] of measures) assert.ok(Number.isFinite(value), `${name} is ${value}`);
    const stages = ['services', 'all'].flatMap((stage) => [
      `rest-writes-${stage}`,
      `decision-round-${stage}`,
    ]);
    const single = ['services-at-once', 'quota-exhausted', 'revisions', 'controller-restart-service'];
    for (const name of [...stages, ...single]) assert.ok(measures.has(name), `${name} was not measured`);
  });
});
