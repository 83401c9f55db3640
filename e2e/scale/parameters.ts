/** How large a run is (make scale SERVICES=...). */
export interface Parameters {
  /** Services without instances that are made at once. */
  services: number;
  /** How many of them get instances. */
  running: number;
  /** Namespaces that the services are spread over; each has a ResourceQuota. */
  namespaces: number;
  /** How many of the namespaces allow no further pod. */
  exhausted: number;
  /** Revisions of each service in the end. */
  revisions: number;
  /** Instances in the end. */
  pods: number;
  /** How long the API calls at rest are counted. */
  restSeconds: number;
  /** How often what is done once is repeated; the median counts. */
  samples: number;
  /** Updates of one route in a row, of which the mean tells what one costs. */
  updates: number;
}

/** What issue and bars are about: a thousand services, ten thousand revisions, five thousand pods. */
export const FULL: Parameters = {
  services: 1000,
  running: 50,
  namespaces: 100,
  exhausted: 5,
  revisions: 10,
  pods: 5000,
  restSeconds: 180,
  samples: 5,
  updates: 20,
};

/** Enough to use each part once. */
export const SMOKE: Parameters = {
  services: 12,
  running: 3,
  namespaces: 4,
  exhausted: 1,
  revisions: 2,
  pods: 6,
  restSeconds: 2,
  samples: 1,
  updates: 2,
};

/** Names in the environment, as `make scale` passes them on. */
const VARIABLES: Readonly<Record<keyof Parameters, string>> = {
  services: 'SERVICES',
  running: 'RUNNING',
  namespaces: 'NAMESPACES',
  exhausted: 'EXHAUSTED',
  revisions: 'REVISIONS',
  pods: 'PODS',
  restSeconds: 'REST_SECONDS',
  samples: 'SAMPLES',
  updates: 'UPDATES',
};

/** A parameter of a run is not what it may be. */
export class ParameterError extends Error {
  readonly code = 'SCALE_PARAMETER';
}

/**
 * A run's size by the environment; {@link FULL} where that says nothing.
 * @throws {ParameterError} naming the variable, its value and the allowed range.
 */
export function parametersOf(env: Readonly<Record<string, string | undefined>>): Parameters {
  const parameters = { ...FULL };
  for (const name of Object.keys(VARIABLES) as (keyof Parameters)[]) {
    parameters[name] = numberOf(VARIABLES[name], env[VARIABLES[name]]) ?? FULL[name];
  }
  atMost(parameters, 'running', parameters.services, 'SERVICES');
  atMost(parameters, 'exhausted', parameters.namespaces - 1, 'NAMESPACES less one');
  return parameters;
}

function numberOf(variable: string, text: string | undefined): number | undefined {
  if (!text) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new ParameterError(`${variable} is ${JSON.stringify(text)}; it must be a whole number from 1`);
}

function atMost(parameters: Parameters, name: keyof Parameters, most: number, what: string): void {
  if (parameters[name] <= most) return;
  throw new ParameterError(`${VARIABLES[name]} is ${parameters[name]}; it must be at most ${what}, ${most}`);
}
