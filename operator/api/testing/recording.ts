import { readFileSync, writeFileSync } from 'node:fs';
import type { KubeObject } from '../../kube/types.ts';
import type { ApiPart } from '../context.ts';

/** A request of gcloud's, and the status of its answer. */
export interface Recorded {
  method: string;
  host: string;
  path: string;
  body?: unknown;
  status: number;
}

const FILE = new URL('./recorded.json', import.meta.url);
/** Names that the cluster has made up, and operations that it alone knows. */
const GENERATED = /\/(executions|tasks)\/[^/]+|labelSelector=[^&]*execution/;

/** A part that answers nothing and notes what the others are asked. */
export function recorder(): { part: ApiPart; recorded: Recorded[] } {
  const recorded: Recorded[] = [];
  const part: ApiPart = {
    routes(app) {
      app.addHook('onResponse', async (request, reply) => {
        const { method, host, body } = request;
        const path = request.url;
        if (GENERATED.test(path)) return;
        recorded.push({ method, host, path, body: portable(body), status: reply.statusCode });
      });
    },
  };
  return { part, recorded };
}

/** The body without what only the object of that day has. */
function portable(body: unknown): unknown {
  const { metadata, status: _, ...rest } = (body ?? {}) as Partial<KubeObject> & { status?: unknown };
  if (!metadata) return body ?? undefined;
  const { resourceVersion, uid, generation, creationTimestamp, ...kept } = metadata;
  return { metadata: kept, ...rest };
}

/** Keeps each request once: gcloud asks again and again whether something is ready. */
export function keep(recorded: readonly Recorded[]): void {
  const lines = recorded.map((each) => JSON.stringify(each));
  const once = lines.filter((line, index) => line !== lines[index - 1]);
  writeFileSync(FILE, `[\n${once.join(',\n')}\n]\n`);
}

/** What gcloud 528 has sent in {@link file://./../gcloud.apiserver.test.ts}, in its order. */
export function readRecorded(): Recorded[] {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Recorded[];
}
