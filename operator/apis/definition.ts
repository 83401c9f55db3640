import type { TSchema } from 'typebox';
import type { KindDefinition } from './kind.ts';
import { DNS_LABEL } from './schema.ts';

/** Where a structural schema keeps schemas of its own. */
function convert(schema: TSchema): Record<string, unknown> {
  const { properties, items, patternProperties, type, description, ...rest } = JSON.parse(
    JSON.stringify(schema),
  ) as Record<string, unknown>;
  const out: Record<string, unknown> = {};
  if (description !== undefined) out.description = description;
  if (type !== undefined) out.type = type;
  Object.assign(out, rest);
  if (properties) {
    out.properties = Object.fromEntries(
      Object.entries(properties)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, property]) => [name, convert(property as TSchema)]),
    );
  }
  if (items) out.items = convert(items as TSchema);
  const [values] = Object.values(patternProperties ?? {});
  if (values) out.additionalProperties = convert(values as TSchema);
  return out;
}

/** The CustomResourceDefinition of a kind. */
export function customResourceDefinition(kind: KindDefinition): Record<string, unknown> {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${kind.plural}.${kind.group}`,
      labels: { 'app.kubernetes.io/name': 'homerun', 'app.kubernetes.io/component': 'crd' },
    },
    spec: {
      group: kind.group,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        shortNames: kind.shortNames,
        categories: kind.categories,
      },
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          subresources: { status: {}, ...(kind.scale ? { scale: kind.scale } : {}) },
          additionalPrinterColumns: kind.columns,
          schema: {
            openAPIV3Schema: {
              description: kind.description,
              type: 'object',
              ...(kind.rules.length > 0 ? { 'x-kubernetes-validations': kind.rules } : {}),
              ...(kind.specOptional ? {} : { required: ['spec'] }),
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: {
                  type: 'object',
                  properties: {
                    name: {
                      type: 'string',
                      maxLength: kind.maxNameLength,
                      pattern: kind.namePattern ?? DNS_LABEL,
                    },
                  },
                },
                spec: convert(kind.spec),
                status: convert(kind.status),
              },
            },
          },
        },
      ],
    },
  };
}
