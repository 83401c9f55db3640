import { type DescMessage, fromJson } from '@bufbuild/protobuf';
import type { LogEntry } from '../../logs/entry.ts';
import { logEntries } from '../../logs/part.ts';
import type { Handler } from '../call.ts';
import type { Fields } from '../conversion/value.ts';
import { messageOf, REGISTRY } from '../registry.ts';

/** Fields of an entry that a program writes, and which need not be what their messages are. */
const WRITTEN = {
  httpRequest: messageOf('google.logging.type.HttpRequest'),
  operation: messageOf('google.logging.v2.LogEntryOperation'),
  sourceLocation: messageOf('google.logging.v2.LogEntrySourceLocation'),
} as const;

/** google.logging.v2.LoggingServiceV2 as far as there are logs to read; over REST it has a route of its own (logs/part.ts). */
export const LOG_METHODS: Readonly<Record<string, Handler>> = {
  ListLogEntries: async ({ context, person, signal, request }) => {
    const { entries, ...rest } = await logEntries(context, { person, signal, request });
    return { ...rest, entries: entries.map(readable) };
  },
};

/** An entry without what its messages have no room for: text has none for a number as a method, JSON has. */
function readable(entry: LogEntry): Fields {
  const read: Fields = { ...entry };
  for (const [name, message] of Object.entries(WRITTEN)) {
    const value = read[name] as Fields | undefined;
    if (value) read[name] = Object.fromEntries(Object.entries(value).filter(isOf(message)));
  }
  return read;
}

function isOf(message: DescMessage) {
  return ([key, value]: [string, unknown]): boolean => {
    try {
      fromJson(message, { [key]: value } as never, { registry: REGISTRY });
      return true;
    } catch {
      return false;
    }
  };
}
