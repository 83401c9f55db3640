import assert from 'node:assert/strict';
import { RUN } from './run.ts';
import { ANNOTATIONS } from './table.ts';
import { effectWarning } from './warning.ts';

const CAPABILITIES = { resizesPods: true };
const SERVICE = 'Service' as const;

describe('effects of annotations', () => {
  it('have a note wherever a cluster does something else', () => {
    for (const { key, effect, effects = {} } of ANNOTATIONS.values()) {
      for (const { outcome, note } of [effect, ...Object.values(effects)]) {
        if (outcome === 'ignored') assert.ok(note && note.length < 160, key);
      }
    }
  });

  it('differ on a worker pool where the table says so', () => {
    assert.match(effectWarning(RUN.maxSurge, '25', CAPABILITIES, SERVICE) ?? '', /traffic moves in one step/);
    assert.equal(effectWarning(RUN.maxSurge, '25', CAPABILITIES, 'WorkerPool'), undefined);
    assert.match(
      effectWarning(RUN.minScale, '1', CAPABILITIES, 'WorkerPool') ?? '',
      /run.googleapis.com\/manualInstanceCount sets the number of instances/,
    );
    assert.equal(effectWarning(RUN.minScale, '1', CAPABILITIES, SERVICE), undefined);
  });

  it('give warnings by value', () => {
    assert.match(
      effectWarning(RUN.iapEnabled, 'true', CAPABILITIES, SERVICE) ?? '',
      /no Identity-Aware Proxy/,
    );
    assert.equal(effectWarning(RUN.iapEnabled, 'false', CAPABILITIES, SERVICE), undefined);
    assert.equal(effectWarning(RUN.ingress, 'internal', CAPABILITIES, SERVICE), undefined, 'it is done');
    assert.equal(effectWarning('toString', 'x', CAPABILITIES, SERVICE), undefined);
  });

  it('give warnings where the cluster lacks a capability', () => {
    const old = { resizesPods: false };
    assert.match(
      effectWarning(RUN.startupCpuBoost, 'True', old, SERVICE) ?? '',
      /cannot change the CPU of running pods/,
    );
    assert.equal(effectWarning(RUN.startupCpuBoost, 'False', old, SERVICE), undefined);
    assert.equal(effectWarning(RUN.startupCpuBoost, 'True', CAPABILITIES, SERVICE), undefined);
  });
});
