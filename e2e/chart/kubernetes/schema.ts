/** The part of Kubernetes' OpenAPI definitions that says which fields there are, and of which types. */
export interface Definition {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Definition>;
  required?: string[];
  additionalProperties?: Definition | boolean;
  items?: Definition;
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}

export type Definitions = Record<string, Definition>;

/** Definitions of several versions of Kubernetes, each different one once with the versions that it is of. */
export interface Collection {
  $comment: string;
  /** The release that was read, by version: `v1.34.4` by `1.34`. */
  releases: Record<string, string>;
  definitions: Record<string, { versions: string[]; schema: Definition }[]>;
}

/** What the definitions call a text is a number too where the API server parses it. */
const ALSO_NUMBERS: Record<string, string> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'number',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'integer',
};

const REF = '#/definitions/';

/**
 * A definition as JSON Schema that refuses unknown fields, as an API server does for `kubectl apply`; without its
 * descriptions, and without what the schema of a field does not need.
 */
export function strict(definition: Definition, name = ''): Definition {
  const { $ref, type, properties, required, items, additionalProperties } = definition;
  const gvk = definition['x-kubernetes-group-version-kind'];
  const number = ALSO_NUMBERS[name];
  const rest = typeof additionalProperties === 'object' ? strict(additionalProperties) : additionalProperties;
  return {
    ...($ref && { $ref }),
    ...(type && { type: number ? [type as string, number] : type }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([field, schema]) => [field, strict(schema)]),
      ),
    }),
    ...(required && { required }),
    ...(items && { items: strict(items) }),
    ...(rest !== undefined && { additionalProperties: rest }),
    ...(properties && rest === undefined && { additionalProperties: false }),
    ...(gvk && { 'x-kubernetes-group-version-kind': gvk }),
  };
}

/** Names of the definitions that a definition refers to by itself. */
function referencesOf(definition: Definition): string[] {
  const { $ref, properties = {}, items, additionalProperties } = definition;
  const parts = [...Object.values(properties), items, additionalProperties];
  const below = parts.flatMap((part) => (typeof part === 'object' ? referencesOf(part) : []));
  return $ref ? [$ref.slice(REF.length), ...below] : below;
}

/** These definitions and all that they refer to. */
export function closure(all: Definitions, roots: readonly string[]): Definitions {
  const found: Definitions = {};
  const waiting = [...roots];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const definition = all[name];
    if (found[name] || !definition) continue;
    found[name] = strict(definition, name);
    waiting.push(...referencesOf(definition));
  }
  return found;
}

/** The name of the definition of a kind; undefined where there is none. */
export function definitionOf(all: Definitions, apiVersion: string, kind: string): string | undefined {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const found = Object.entries(all).find(([, definition]) =>
    definition['x-kubernetes-group-version-kind']?.some(
      (gvk) => gvk.group === group && gvk.version === version && gvk.kind === kind,
    ),
  );
  return found?.[0];
}

/** Definitions by version in one collection, in order of their names. */
export function collect(byVersion: Map<string, Definitions>): Collection['definitions'] {
  const names = [...new Set([...byVersion.values()].flatMap(Object.keys))].sort();
  return Object.fromEntries(names.map((name) => [name, variants(name, byVersion)]));
}

function variants(name: string, byVersion: Map<string, Definitions>): Collection['definitions'][string] {
  const present = [...byVersion].flatMap(([version, all]) => {
    const schema = all[name];
    return schema ? [{ version, schema }] : [];
  });
  const same = Map.groupBy(present, ({ schema }) => JSON.stringify(schema));
  return [...same].map(([text, found]) => ({
    versions: found.map(({ version }) => version),
    schema: JSON.parse(text),
  }));
}

/** The definitions of one version. */
export function ofVersion({ definitions }: Collection, version: string): Definitions {
  const found = Object.entries(definitions).flatMap(([name, schemas]) => {
    const variant = schemas.find(({ versions }) => versions.includes(version));
    return variant ? [[name, variant.schema] as const] : [];
  });
  return Object.fromEntries(found);
}
