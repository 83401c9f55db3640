import assert from 'node:assert/strict';
import { wrongSchedule } from './cron.ts';
import { scheduleOf } from './schedule.ts';

const schedule = (expression: string, zone?: string) =>
  scheduleOf({
    metadata: {
      name: 'load',
      annotations: { 'homerun.dev/schedule': expression, ...(zone ? { 'homerun.dev/time-zone': zone } : {}) },
    },
  });

const iso = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString());

interface Case {
  expression: string;
  zone?: string;
  now: string;
  latest: string;
  next: string;
  reason: string;
}

const CASES: Record<string, Case> = {
  'exactly on time': {
    expression: '*/5 * * * *',
    now: '2026-01-01T00:05:00.000Z',
    latest: '2026-01-01T00:05:00.000Z',
    next: '2026-01-01T00:10:00.000Z',
    reason: 'it is due, and not due again',
  },
  'a moment before': {
    expression: '*/5 * * * *',
    now: '2026-01-01T00:04:59.999Z',
    latest: '2026-01-01T00:00:00.000Z',
    next: '2026-01-01T00:05:00.000Z',
    reason: 'it is not due yet',
  },
  'a moment after': {
    expression: '*/5 * * * *',
    now: '2026-01-01T00:05:00.001Z',
    latest: '2026-01-01T00:05:00.000Z',
    next: '2026-01-01T00:10:00.000Z',
    reason: 'timers are late',
  },
  'another time zone': {
    expression: '@daily',
    zone: 'Asia/Kolkata',
    now: '2026-01-01T12:00:00.000Z',
    latest: '2025-12-31T18:30:00.000Z',
    next: '2026-01-01T18:30:00.000Z',
    reason: 'midnight is somewhere else',
  },
  'an hour that is left out': {
    expression: '30 2 * * *',
    zone: 'Europe/Berlin',
    now: '2026-03-28T12:00:00.000Z',
    latest: '2026-03-28T01:30:00.000Z',
    next: '2026-03-29T01:00:00.000Z',
    reason: 'the day has its run all the same, at 3 o’clock',
  },
  'an hour that comes twice': {
    expression: '30 2 * * *',
    zone: 'Europe/Berlin',
    now: '2026-10-25T01:00:00.000Z',
    latest: '2026-10-25T00:30:00.000Z',
    next: '2026-10-26T01:30:00.000Z',
    reason: 'the day has one run',
  },
  'a leap day': {
    expression: '0 0 29 2 *',
    now: '2026-01-01T00:00:00.000Z',
    latest: '2024-02-29T00:00:00.000Z',
    next: '2028-02-29T00:00:00.000Z',
    reason: 'it comes every four years',
  },
};

describe('schedule', () => {
  for (const [name, { expression, zone, now, latest, next, reason }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const found = schedule(expression, zone);
      assert.equal(iso(found?.latest(Date.parse(now))), latest);
      assert.equal(iso(found?.next(Date.parse(now))), next);
    });
  }

  it('is none where it means nothing', () => {
    assert.equal(scheduleOf({ metadata: { name: 'load' } }), undefined);
    assert.equal(schedule('* * *'), undefined);
    assert.equal(schedule('0 0 30 2 *'), undefined);
    assert.equal(schedule('* * * * *', 'Nowhere/At_All'), undefined);
  });

  it('takes what crontab takes, and nothing else', () => {
    const wrong = [
      '',
      'every 5 minutes',
      '* * * * * *',
      '2026-01-01T00:00:00',
      '@reboot',
      'TZ=UTC * * * * *',
    ];
    assert.deepEqual(
      wrong.filter((expression) => !wrongSchedule(expression)),
      [],
    );
    const right = ['* * * * *', '@hourly', '0 9-17/2 * * 1-5', ' 0  0 1,15 JAN,JUL * '];
    assert.deepEqual(right.filter(wrongSchedule), []);
  });
});
