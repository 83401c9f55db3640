export * from "./Job.ts";
export * from "./Execution.ts";
export * from "./WorkerPool.ts";
