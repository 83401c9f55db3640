import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { exit, stderr, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { page, withTable } from './page.ts';
import { plot } from './plot.ts';
import { compare, table } from './table.ts';
import { recorded, TRAFFIC, type Traffic, TrafficError } from './traffic.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const DEFAULT_RETENTION = '900';

/** One of the known traffic, or a file with the requests of each minute. @throws {TrafficError} if it is neither. */
async function trafficOf(name: string): Promise<Traffic> {
  const known = TRAFFIC.find((traffic) => traffic.name === name);
  if (known) return known;
  try {
    return recorded(basename(name), await readFile(name, 'utf8'));
  } catch (cause) {
    if (cause instanceof TrafficError) throw cause;
    const names = TRAFFIC.map((traffic) => traffic.name).join(', ');
    throw new TrafficError(`traffic "${name}" is neither a file nor one of ${names}`, { cause });
  }
}

/** `node operator/autoscaler/simulation/main.ts [--traffic NAME|FILE] [--retention SECONDS]` */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { traffic: { type: 'string' }, retention: { type: 'string', default: DEFAULT_RETENTION } },
  });
  const retention = Number(values.retention);
  if (!(retention >= 60 && retention <= 3600)) {
    throw new TrafficError(`retention "${values.retention}" is not a number of seconds from 60 to 3600`);
  }
  const traffic = values.traffic ? [await trafficOf(values.traffic)] : TRAFFIC;
  const comparisons = traffic.map((one) => compare(one, retention * 1000));
  stdout.write(table(comparisons));
  const folder = join(ROOT, 'dist/simulation');
  await mkdir(folder, { recursive: true });
  for (const comparison of comparisons) {
    const path = join(folder, `${comparison.traffic.name}.svg`);
    await writeFile(path, plot(comparison));
    stdout.write(`${path}\n`);
  }
  if (values.traffic || values.retention !== DEFAULT_RETENTION) return;
  const path = join(ROOT, page);
  await writeFile(path, withTable(await readFile(path, 'utf8'), comparisons));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof TrafficError)) throw error;
  stderr.write(`${error.message}\n`);
  exit(1);
}
