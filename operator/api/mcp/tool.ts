import type { TObject } from 'typebox';
import type { ApiContext } from '../context.ts';
import type { Person } from '../resources/resources.ts';

/** A call of a tool, as one person. */
export interface ToolCall {
  context: ApiContext;
  person: Person;
  /** The host that was asked, which names a region. */
  host: string | undefined;
  /** Ends with the client's connection. */
  signal: AbortSignal;
  /** Tells the client what is waited for; nothing happens where it does not want to know. */
  progress: (message: string) => Promise<void>;
}

/** Arguments in the form that the tool's schema allows. */
// biome-ignore lint/suspicious/noExplicitAny: their form is checked against the schema, which the compiler does not see
export type Arguments = Record<string, any>;

/** What a tool answers: text for the model, or an object, which it gets as JSON. */
export type Answer = string | Record<string, unknown>;

/** A tool of the Model Context Protocol. */
export interface Tool {
  name: string;
  /** For the model: what it does and when to take it. */
  description: string;
  input: TObject;
  /** Whether it changes nothing. */
  reads: boolean;
  /** @throws {ApiError} what the model reads instead of an answer. */
  act(given: Arguments, call: ToolCall): Promise<Answer>;
}
