export * from "./Job.ts";
export * from "./Execution.ts";
