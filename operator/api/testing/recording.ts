import { readFileSync, writeFileSync } from 'node:fs';
import type { KubeObject } from '../../kube/types.ts';
import type { ApiPart } from '../context.ts';

/** A request of gcloud's, and its answer. */
export interface Recorded {
  method: string;
  host: string;
  path: string;
  body?: unknown;
  status: number;
  answer?: unknown;
}

const FILE = new URL('./recorded.jsonl', import.meta.url);
const UID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
/** What each object has of its own, and each write changes. */
const PASSING = new Set([
  ...['resourceVersion', 'run.googleapis.com/jobResourceVersion', 'etag'],
  // Of a service account and a project.
  ...['uniqueId', 'projectNumber'],
]);

/** What gcloud writes over gRPC, which is not recorded: it is not there when its requests are sent again. */
const OVER_GRPC = /\/workerpools\/pull\b/;

/** The names that clusters make up, as EXECUTION1, EXECUTION2 … in the order of their first answer. */
export class MadeUpNames {
  readonly #names: string[] = [];

  /** The answer in the form in which two runs give the same; names that it has are known from then on. */
  portable(answer: unknown): unknown {
    for (const { kind, metadata } of objectsIn(answer))
      if (kind === 'Execution' && !this.#names.includes(metadata.name)) this.#names.push(metadata.name);
    const text = this.#mask(JSON.stringify(answer)).replace(UID, 'UID').replace(TIME, 'TIME');
    return JSON.parse(text, (key, value) => {
      if (PASSING.has(key)) return undefined;
      return key === 'items' ? sorted(value) : value;
    });
  }

  /** A request, to be kept. */
  masked({ path, ...rest }: Recorded): Recorded {
    return { ...rest, path: this.#mask(path) };
  }

  /** A path that was kept, with the names of this cluster. */
  path(kept: string): string {
    return kept.replace(/EXECUTION(\d+)/g, (_, number) => this.#names[Number(number) - 1] ?? _);
  }

  #mask(text: string): string {
    return this.#names.reduce((masked, name, i) => masked.replaceAll(name, `EXECUTION${i + 1}`), text);
  }
}

function objectsIn(answer: unknown): KubeObject[] {
  const { items, ...object } = (answer ?? {}) as Partial<KubeObject> & { items?: KubeObject[] };
  return items ?? (object.metadata ? [object as KubeObject] : []);
}

function sorted(items: KubeObject[]): KubeObject[] {
  const nameOf = ({ metadata }: KubeObject) => metadata?.name ?? '';
  return items.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));
}

/** A part that answers nothing and notes what the others are asked and say. */
export function recorder(): { part: ApiPart; recorded: Recorded[] } {
  const recorded: Recorded[] = [];
  const part: ApiPart = {
    routes(app) {
      app.addHook('onSend', async (request, reply, payload) => {
        const { method, host, body, url: path } = request;
        if (OVER_GRPC.test(path)) return;
        const answer = typeof payload === 'string' && payload !== '' ? JSON.parse(payload) : undefined;
        recorded.push({ method, host, path, body: sendable(body), status: reply.statusCode, answer });
      });
    },
  };
  return { part, recorded };
}

/** The body without what only the object of that day has. */
export function sendable(body: unknown): unknown {
  const { metadata, status: _, ...rest } = (body ?? {}) as Partial<KubeObject> & { status?: unknown };
  if (!metadata) return body ?? undefined;
  const { resourceVersion, uid, generation, creationTimestamp, ...kept } = metadata;
  return { metadata: kept, ...rest };
}

/** Whether a request only looks: gcloud repeats it until it sees what it waits for. */
export function looks({ method, path }: Pick<Recorded, 'method' | 'path'>): boolean {
  return method === 'GET' || path.endsWith(':wait');
}

/** Keeps each request once, and of those that gcloud has repeated the last answer. */
export function keep(recorded: readonly Recorded[]): void {
  const names = new MadeUpNames();
  const lines = recorded.map(({ answer, ...request }) => {
    const portable = answer === undefined ? undefined : names.portable(answer);
    return { request: names.masked(request as Recorded), answer: portable };
  });
  const isRepeated = (i: number) => {
    const [one, next] = [lines[i]?.request, lines[i + 1]?.request];
    return one && next && looks(one) && keyOf(one) === keyOf(next);
  };
  const kept = lines.filter((_, i) => !isRepeated(i));
  const text = kept.map(({ request, answer }) => JSON.stringify({ ...request, answer }));
  writeFileSync(FILE, `${text.join('\n')}\n`);
}

function keyOf({ method, host, path }: Recorded): string {
  return `${method} ${host}${path}`;
}

/** What gcloud 528 has sent in {@link file://./../gcloud.apiserver.test.ts}, in its order. */
export function readRecorded(): Recorded[] {
  const lines = readFileSync(FILE, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Recorded);
}
