import { RUN } from './annotations/run.ts';
import { type FieldError, keyed, mustBe, STRICT } from './fieldError.ts';

const SQL_INSTANCE = /^([^:,\s]+:)?[^:,\s]+:[^:,\s]+:[^:,\s]+$/;
const KEY = /^projects\/[^/\s]+\/locations\/[^/\s]+\/keyRings\/[^/\s]+\/cryptoKeys\/[^/\s]+$/;

/**
 * The errors in annotations that connect instances to networks, databases and keys of Google Cloud: values of the wrong
 * form, and values that contradict each other (Cloud Run API v1, annotations). A cluster uses none of them, so they are
 * errors in strict mode only.
 */
export function validateConnections(annotations: Record<string, string> = {}, path: string): FieldError[] {
  return [
    ...validateSql(annotations[RUN.cloudsqlInstances], keyed(path, RUN.cloudsqlInstances)),
    ...validateNetwork(annotations, keyed(path, RUN.networkInterfaces)),
    ...validateKey(annotations, path),
  ];
}

function validateSql(value: string | undefined, path: string): FieldError[] {
  if (!value || value.split(',').every((entry) => SQL_INSTANCE.test(entry.trim()))) return [];
  return [mustBe(path, value, 'PROJECT:REGION:INSTANCE, or several of these separated by commas', STRICT)];
}

function validateNetwork(annotations: Record<string, string>, path: string): FieldError[] {
  const value = annotations[RUN.networkInterfaces];
  const interfaces = interfacesIn(value);
  if (interfaces.length === 0) return [];
  const strict = (message: string): FieldError => ({ path, value, message, strict: true });
  const isNamed = ({ network, subnetwork }: NetworkInterface) => Boolean(network || subnetwork);
  return [
    ...(annotations[RUN.vpcAccessConnector]
      ? [strict(`must not be set together with ${RUN.vpcAccessConnector}`)]
      : []),
    ...(interfaces.length > 1 ? [strict(`has ${interfaces.length} interfaces; it may have at most 1`)] : []),
    ...(interfaces.every(isNamed) ? [] : [strict('must name a network or a subnetwork in each interface')]),
  ];
}

interface NetworkInterface {
  network?: unknown;
  subnetwork?: unknown;
}

/** None where the text is not a list of objects, which the table of annotations reports. */
function interfacesIn(text = '[]'): NetworkInterface[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.filter((item) => typeof item === 'object' && item !== null) : [];
  } catch {
    return [];
  }
}

function validateKey(annotations: Record<string, string>, path: string): FieldError[] {
  const key = annotations[RUN.encryptionKey];
  if (key) {
    const form = 'projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY';
    return KEY.test(key) ? [] : [mustBe(keyed(path, RUN.encryptionKey), key, form, STRICT)];
  }
  return [RUN.postKeyRevocationActionType, RUN.encryptionKeyShutdownHours]
    .filter((name) => annotations[name] !== undefined)
    .map((name) => ({
      path: keyed(path, name),
      value: annotations[name],
      message: `has no effect without ${RUN.encryptionKey}`,
      strict: true,
    }));
}
