import {
  createFileRegistry,
  type DescExtension,
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  getOption,
  hasOption,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { DESCRIPTORS } from './descriptors.ts';

/** Every message, service and option of the protos (operator/generate/descriptors.ts); also what `Any` resolves by. */
export const REGISTRY = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, Buffer.from(DESCRIPTORS, 'base64')),
);

const PACKAGE = 'google.cloud.run.v2';

/** The descriptor of a message, by its full name or by its name in google.cloud.run.v2. */
export function messageOf(name: string): DescMessage {
  return found(name, REGISTRY.getMessage(name.includes('.') ? name : `${PACKAGE}.${name}`));
}

/** The descriptor of a service, by its full name or by its name in google.cloud.run.v2. */
export function serviceOf(name: string): DescService {
  return found(name, REGISTRY.getService(name.includes('.') ? name : `${PACKAGE}.${name}`));
}

function found<T>(name: string, descriptor: T | undefined): T {
  if (!descriptor) throw new Error(`the protos have no ${name}`);
  return descriptor;
}

function extensionOf(name: string): DescExtension {
  return found(name, REGISTRY.getExtension(name));
}

/** How a method is called over REST (google.api.http). */
export interface HttpBinding {
  method: string;
  /** A path template such as `/v2/{name=projects/*\/locations/*}`. */
  path: string;
  /** The field of the request that the body is; `*`: the whole request; empty: no body. */
  body: string;
}

interface HttpRule {
  pattern: { case?: string; value?: string };
  body: string;
  additionalBindings: HttpRule[];
}

const HTTP = extensionOf('google.api.http');

/** All that a method is called by over REST; none where it has no annotation. */
export function bindingsOf(method: DescMethod): HttpBinding[] {
  if (!hasOption(method, HTTP)) return [];
  const rule = getOption(method, HTTP) as unknown as HttpRule;
  return [rule, ...rule.additionalBindings].map(({ pattern, body }) => ({
    method: (pattern.case ?? '').toUpperCase(),
    path: pattern.value ?? '',
    body,
  }));
}

/** google.api.FieldBehavior, as far as it is enforced; the protos have no field that is IMMUTABLE. */
const BEHAVIOURS = { required: 2, outputOnly: 3 } as const;

export type Behaviour = keyof typeof BEHAVIOURS;

const FIELD_BEHAVIOR = extensionOf('google.api.field_behavior');

/** Options are decoded anew each time that they are asked for. */
const behavioursOf = new WeakMap<DescField, number[]>();

/** Whether google.api.field_behavior says so of a field. */
export function behaves(field: DescField, behaviour: Behaviour): boolean {
  let known = behavioursOf.get(field);
  if (!known) {
    known = getOption(field, FIELD_BEHAVIOR) as number[];
    behavioursOf.set(field, known);
  }
  return known.includes(BEHAVIOURS[behaviour]);
}
