import assert from 'node:assert/strict';
import { ANNOTATION_RULES } from '../../apis/annotationRules.ts';
import { RUN } from '../../apis/annotations.ts';
import { ABILITIES } from '../testing/requests.ts';
import { ANNOTATION_EFFECTS, effectWarning } from './effects.ts';

describe('effects of annotations', () => {
  it('are told for each annotation that Cloud Run knows', () => {
    assert.deepEqual(Object.keys(ANNOTATION_EFFECTS).sort(), [...ANNOTATION_RULES.keys()].sort());
  });

  it('say what happens instead wherever that is something else', () => {
    for (const [key, { does, says }] of Object.entries(ANNOTATION_EFFECTS)) {
      if (does === 'other') assert.ok(says && says.length < 160, key);
    }
  });

  it('are warned of by value', () => {
    assert.match(effectWarning(RUN.iapEnabled, 'true', ABILITIES) ?? '', /no Identity-Aware Proxy/);
    assert.equal(effectWarning(RUN.iapEnabled, 'false', ABILITIES), undefined);
    assert.equal(effectWarning(RUN.ingress, 'internal', ABILITIES), undefined, 'it is done');
    assert.equal(effectWarning('toString', 'x', ABILITIES), undefined);
  });

  it('are warned of where the cluster cannot do what it takes', () => {
    const old = { resizesPods: false };
    assert.match(
      effectWarning(RUN.startupCpuBoost, 'True', old) ?? '',
      /cannot change the CPU of running pods/,
    );
    assert.equal(effectWarning(RUN.startupCpuBoost, 'False', old), undefined);
    assert.equal(effectWarning(RUN.startupCpuBoost, 'True', ABILITIES), undefined);
  });
});
