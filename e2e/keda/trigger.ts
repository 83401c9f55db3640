import { type Parameter, scalers } from './definitions.ts';

/** A trigger of a ScaledObject. */
export interface Trigger {
  type: string;
  metadata: Record<string, string>;
}

/** What KEDA would refuse or warn of in a trigger, by the parameters that its scaler declares. */
export function problemsOf({ type, metadata }: Trigger): string[] {
  const parameters = scalers().get(type);
  if (!parameters) return [`there is no trigger ${type}`];
  const names = new Set(parameters.flatMap(namesOf));
  const unknown = Object.keys(metadata).filter((name) => !names.has(name));
  return [
    ...unknown.map((name) => `${name} is unknown`),
    ...parameters.flatMap((parameter) => problemOf(parameter, metadata) ?? []),
  ];
}

/** The names under which a trigger's metadata may give a parameter. */
function namesOf({ name, metadataVariableReadable, envVariableReadable }: Parameter): string[] {
  return [...(metadataVariableReadable ? [name] : []), ...(envVariableReadable ? [`${name}FromEnv`] : [])];
}

function problemOf(parameter: Parameter, metadata: Trigger['metadata']): string | undefined {
  const { name, deprecated, deprecatedAnnounce, allowedValue } = parameter;
  const given = namesOf(parameter).find((key) => key in metadata);
  if (given === undefined) return isRequired(parameter) ? `${name} is missing` : undefined;
  const deprecation = deprecated ?? deprecatedAnnounce;
  if (deprecation) return `${name}: ${deprecation}`;
  const value = metadata[given] ?? '';
  if (given !== name || !allowedValue || allowedValue.includes(value)) return undefined;
  return `${name} is ${value}; it must be one of ${allowedValue.join(', ')}`;
}

function isRequired(parameter: Parameter): boolean {
  const { optional, default: otherwise, triggerAuthenticationVariableReadable } = parameter;
  return !optional && otherwise === undefined && !triggerAuthenticationVariableReadable;
}
