import { parseConfig } from '../../config.ts';
import { silent } from '../../testing/until.ts';
import { tuneV8 } from '../../v8.ts';
import { RouteTable } from '../control/routeTable.ts';
import { Threads } from '../control/threads.ts';
import { Slots } from '../shared/slots.ts';
import { Stats } from '../shared/stats.ts';

// A gateway of two data threads in a process of its own, whose memory is what memory.test.ts measures. It serves
// `zero.test`, which has no instance, `app.test` and `large.test`; it says `ready` to its parent once both threads listen.

const [port = '', internalPort = '', appPort = '', largePort = ''] = process.argv.slice(2);
tuneV8();
const table = new RouteTable();
const check = { attempt: { kind: 'tcp' as const, port: 1, timeoutMs: 1000 }, delayMs: 0 };
for (const name of ['zero', 'app', 'large']) {
  const revision = `ns/${name}`;
  table.setRevision(
    revision,
    { limit: 20_000, timeoutMs: 300_000, protocol: 'http1', port: 1, check },
    300_000,
  );
  table.setRoute(revision, {
    createdAt: '',
    hosts: new Map([[`${name}.test`, [{ revision, percent: 100 }]]]),
    internalOnly: false,
  });
}
for (const [slot, name, at] of [
  [0, 'app', appPort],
  [1, 'large', largePort],
] as const) {
  table.setInstance(slot, { slot, revision: `ns/${name}`, pod: name, host: '127.0.0.1', port: Number(at) });
}
const threads = new Threads({
  slots: Slots.create(2),
  stats: Stats.create(2),
  port: Number(port),
  internalPort: Number(internalPort),
  host: '127.0.0.1',
  limits: parseConfig({}).gateway.limits,
  log: silent,
  snapshot: () => table.snapshot(),
  receive: () => {},
});
await threads.start();
process.send?.('ready');
process.on('disconnect', () => process.exit());
