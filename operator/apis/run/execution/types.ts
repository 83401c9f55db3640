import type { Static } from 'typebox';
import { type KubeObject, namespaced } from '../../../kube/types.ts';
import type { Container } from '../../serving/container/types.ts';
import type { ExecutionSpecSchema, ExecutionTemplateSpecSchema } from '../task/schema.ts';
import type { ExecutionStatusSchema } from './schema.ts';

/** An execution as the API server returns it; one made by hand may lack its spec or parts of it. */
export interface Execution extends KubeObject {
  spec?: Static<typeof ExecutionSpecSchema>;
  status?: Static<typeof ExecutionStatusSchema>;
}

/** What an execution does, as a job declares it: complete but for its defaults. */
export type ExecutionSpec = Static<typeof ExecutionTemplateSpecSchema>;

/** What a task is made of, as people write it. */
export type TaskSpec = ExecutionSpec['template']['spec'];

/** What a task is made of, with its defaults filled in. */
export type CompleteTaskSpec = Omit<TaskSpec, 'containers'> & {
  containers: Container[];
  maxRetries: number;
  timeoutSeconds: number | string;
  serviceAccountName: string;
};

/** What an execution does, with its defaults filled in; without parallelism: as many tasks at once as possible. */
export type CompleteExecutionSpec = Omit<ExecutionSpec, 'taskCount' | 'template'> & {
  taskCount: number;
  template: { spec: CompleteTaskSpec };
};

/** An execution that can be started: nothing is missing. */
export type CompleteExecution = Omit<Execution, 'spec'> & { spec: CompleteExecutionSpec };

/** Resource type of executions. */
export const EXECUTIONS = namespaced<Execution>('run.googleapis.com/v1', 'Execution', 'executions');
