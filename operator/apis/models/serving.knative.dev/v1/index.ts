export * from "./Service.ts";
export * from "./Configuration.ts";
export * from "./Route.ts";
export * from "./Revision.ts";
