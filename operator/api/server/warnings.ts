import type { FastifyReply } from 'fastify';
import type { Warn } from '../context.ts';

/** Adds what the cluster warns of to an answer over REST, once each, as headers `Warning` (RFC 7234, 5.5). */
export function warningsOf(reply: FastifyReply): Warn {
  return eachOnce((_warning, all) => reply.header('warning', all));
}

/** Adds what the cluster warns of to the metadata that begin an answer over gRPC, whose texts are ASCII. */
export function warningsIn(header: Headers): Warn {
  return eachOnce((warning) => header.append('warning', warning.replaceAll(/[^ -~]/g, escaped)));
}

/** A write that is tried again is warned of again. */
function eachOnce(add: (warning: string, all: string[]) => void): Warn {
  const all: string[] = [];
  return (warning) => {
    if (all.includes(warning)) return;
    all.push(warning);
    add(warning, all);
  };
}

/** A byte of a header, as in a URL. */
function escaped(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
