import { LOG_LABELS } from '../../apis/labels.ts';
import { ApiError } from '../errors.ts';
import type { LogEntry } from '../logs/entry.ts';
import { logEntries } from '../logs/part.ts';
import type { ToolCall } from './tool.ts';

/** Lines that a tool shows where none are asked for, and of what has failed. */
export const USUAL_LINES = 100;
const LAST_WORDS = 20;

/** The newest lines of a log, oldest first. @param filter of Cloud Logging. @throws {ApiError} */
export async function lines(
  { context, person, signal }: ToolCall,
  project: string,
  filter: string,
  limit = USUAL_LINES,
): Promise<string[]> {
  const request = {
    resourceNames: [`projects/${project}`],
    filter,
    orderBy: 'timestamp desc',
    pageSize: limit,
  };
  const { entries } = await logEntries(context, { person, signal, request });
  return entries.reverse().map(line);
}

/** What a program said last, for whoever wants to know why it failed; nothing where that cannot be read. */
export async function lastWords(call: ToolCall, project: string, filter: string): Promise<string> {
  try {
    const last = await lines(call, project, filter, LAST_WORDS);
    return last.length > 0 ? `\nThe last lines of its log:\n${last.join('\n')}` : '';
  } catch (error) {
    if (error instanceof ApiError) return '';
    throw error;
  }
}

function line({ timestamp, severity, textPayload, jsonPayload }: LogEntry): string {
  const level = severity === 'DEFAULT' ? '' : ` ${severity}`;
  return `${timestamp}${level} ${textPayload ?? JSON.stringify(jsonPayload)}`;
}

/** Entries of a service, and of one revision of it where it is named. */
export function ofService(service: string, revision?: string): string {
  const of = `resource.type="cloud_run_revision" AND resource.labels.service_name=${JSON.stringify(service)}`;
  return revision ? `${of} AND resource.labels.revision_name=${JSON.stringify(revision)}` : of;
}

/** Entries of a job, and of one execution of it where it is named. */
export function ofJob(job: string, execution?: string): string {
  const of = `resource.type="cloud_run_job" AND resource.labels.job_name=${JSON.stringify(job)}`;
  return execution ? `${of} AND labels."${LOG_LABELS.execution}"=${JSON.stringify(execution)}` : of;
}
