import type { Connection } from '../../kube/connection.ts';
import type { Warn } from '../context.ts';
import type { Person } from '../resources/resources.ts';

/** The same API server, asked as a person (Kubernetes, User impersonation): its audit log names the person. */
export function asPerson(connection: Connection, { name, groups }: Person, warn?: Warn): Connection {
  const impersonation = {
    'impersonate-user': onWire(name),
    'impersonate-group': groups.map(onWire),
  };
  return {
    server: connection.server,
    get dispatcher() {
      return connection.dispatcher;
    },
    async headers() {
      return { ...(await connection.headers()), ...impersonation };
    },
    warn,
  };
}

/** What is the same in the bytes of a header. */
const ASCII = /^[ -~]*$/;

/** UTF-8 in the bytes of a header; Go's servers read it so. */
function onWire(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
