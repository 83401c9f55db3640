import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LogEntry } from './entry.ts';
import type { Line } from './lines.ts';
import { type Cursor, type Limits, readPage } from './page.ts';
import { BackwardReader, ForwardReader, type Search } from './reader.ts';
import type { Source } from './sources.ts';
import { timeOfMs } from './time.ts';

const START = Date.parse('2026-11-29T10:00:00Z');
/** A time so many seconds after the start. */
const at = (seconds: number) => timeOfMs(START + seconds * 1000);

type Order = 'desc' | 'asc';
type Logs = Readonly<Record<string, readonly Line[]>>;

function source(id: string, end?: string): Source {
  const origin = { logName: 'l', resource: { type: 'cloud_run_revision', labels: {} }, labels: {} };
  return { id, namespace: 'demo', pod: id, container: 'web', previous: false, origin, start: at(-5), end };
}

/** What the kubelet gives of a log, and what it cost. */
function read(logs: Logs, meter: { bytes: number }): Search['read'] {
  return async function* ({ id }, { tailLines, since = '', limitBytes = Number.POSITIVE_INFINITY }) {
    const lines = logs[id] ?? [];
    let sent = 0;
    for (const line of lines.slice(-(tailLines ?? lines.length))) {
      if (line.time < `${since.slice(0, 19)}`) continue;
      sent += line.text.length + 31;
      meter.bytes += line.text.length + 31;
      if (sent > limitBytes) return;
      yield line;
    }
  };
}

interface Options extends Partial<Limits> {
  order: Order;
  wanted?: (entry: LogEntry) => boolean;
  room?: number;
  from?: string;
  to?: string;
  ends?: Readonly<Record<string, string>>;
}

/** The texts of all pages, and how many there were; most bytes of one page. */
async function allPages(
  logs: Logs,
  options: Options,
): Promise<{ texts: string[]; pages: number; most: number }> {
  const { order, wanted = () => true, room = 1_000_000, from, to, ends = {}, ...limits } = options;
  const texts: string[] = [];
  let cursor: Cursor | undefined;
  let most = 0;
  for (let pages = 1; ; pages++) {
    assert.ok(pages < 2000, 'pages without end');
    const meter = { bytes: 0 };
    const test: Search['test'] = (entry) => wanted(entry as LogEntry);
    const search: Search = { test, read: read(logs, meter), room, from, to, meter };
    const readers = Object.keys(logs).map((id) =>
      order === 'desc'
        ? new BackwardReader(source(id, ends[id]), search, cursor?.time)
        : new ForwardReader(source(id, ends[id]), search, cursor?.time),
    );
    const whole: Limits = {
      entries: 50,
      answerBytes: 1e9,
      readBytes: 1e9,
      deadline: Number.POSITIVE_INFINITY,
      parallel: 3,
      ...limits,
    };
    const page = await readPage(readers, order, { cursor, limits: whole, meter });
    most = Math.max(most, meter.bytes);
    texts.push(...page.entries.map(({ textPayload = '' }) => textPayload));
    if (!page.next) return { texts, pages, most };
    cursor = page.next;
  }
}

/** The same by sorting everything. */
function expected(logs: Logs, { order, from = '', to = '9' }: Options): string[] {
  const all = Object.entries(logs).flatMap(([id, lines]) =>
    lines.map((line, index) => ({ ...line, id, index })),
  );
  const sorted = all
    .filter(({ time }) => time >= from && time <= to)
    .sort((a, b) => (a.time !== b.time ? (a.time < b.time ? -1 : 1) : 0));
  const texts = sorted.map(({ time }) => time);
  return order === 'asc' ? texts : texts.reverse();
}

/** Times of texts, which are unique. */
const timesOf = (logs: Logs, texts: readonly string[]) => {
  const times = new Map(
    Object.values(logs).flatMap((lines) => lines.map(({ text, time }) => [text, time] as const)),
  );
  return texts.map((text) => times.get(text));
};

describe('pages of entries', () => {
  it('have every entry once and in order, whatever the logs, limits and bounds', async () => {
    const seconds = fc.array(
      fc.oneof(
        fc.integer({ min: 0, max: 40 }).map((n) => n / 4),
        fc.integer({ min: 0, max: 90_000 }),
      ),
      {
        maxLength: 400,
        size: 'max',
      },
    );
    const logs = fc.array(seconds, { minLength: 1, maxLength: 5, size: 'max' }).map((sources) =>
      Object.fromEntries(
        sources.map((times, id) => {
          const sorted = times.toSorted((a, b) => a - b);
          return [`s${id}`, sorted.map((time, index) => ({ time: at(time), text: `${id}/${index}` }))];
        }),
      ),
    );
    const options = fc.record({
      order: fc.constantFrom<Order>('desc', 'asc'),
      entries: fc.integer({ min: 1, max: 300 }),
      readBytes: fc.constantFrom(1, 5_000, 1e9),
      from: fc.option(fc.integer({ min: 0, max: 20 }).map(at), { nil: undefined }),
      to: fc.option(fc.integer({ min: 5, max: 90_000 }).map(at), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(logs, options, async (made, chosen) => {
        const { texts } = await allPages(made, chosen);
        assert.equal(new Set(texts).size, texts.length, 'repeated');
        assert.deepEqual(timesOf(made, texts), expected(made, chosen));
      }),
      { numRuns: 60 },
    );
  });

  /** One line every `every` seconds. */
  const steady = (count: number, every: number, text: (index: number) => string): Line[] =>
    Array.from({ length: count }, (_, index) => ({ time: at(index * every), text: text(index) }));

  const isRare = ({ textPayload = '' }: LogEntry) => textPayload.startsWith('rare');
  for (const order of ['desc', 'asc'] as const) {
    it(`finds what is rare in a long log within bounds, and goes on where it stopped: ${order}`, async () => {
      const padding = 'x'.repeat(200);
      const logs = {
        a: steady(40_000, 0.05, (index) => (index % 10_000 === 7 ? `rare ${index}` : `${index} ${padding}`)),
      };
      const { texts, pages, most } = await allPages(logs, { order, wanted: isRare, readBytes: 1_000_000 });
      const rare = ['rare 7', 'rare 10007', 'rare 20007', 'rare 30007'];
      assert.deepEqual(texts, order === 'asc' ? rare : rare.reverse());
      assert.ok(pages > 2 && pages < 40, `${pages} pages`);
      assert.ok(most < 10_000_000, `${most} bytes`);
    });

    it(`holds no more ready than there is room for, and still loses nothing: ${order}`, async () => {
      const padding = 'x'.repeat(10_000);
      const logs = { a: steady(250, 0.004, (index) => `${index} ${padding}`) };
      const { texts } = await allPages(logs, { order, room: 200_000 });
      assert.equal(new Set(texts).size, 250);
      assert.equal(texts.length, 250);
    });

    it(`reads of logs that are over only those that may have the next entry: ${order}`, async () => {
      const logs = Object.fromEntries(
        Array.from({ length: 200 }, (_, index) => [
          `t${String(index).padStart(3, '0')}`,
          [{ time: at(100 * index), text: String(index) }],
        ]),
      );
      const ends = Object.fromEntries(Object.keys(logs).map((id, index) => [id, at(100 * index + 5)]));
      const { texts } = await allPages(logs, { order, ends });
      assert.equal(texts.length, 200);
      assert.deepEqual(timesOf(logs, texts), expected(logs, { order }));
    });
  }
});
