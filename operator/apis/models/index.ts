export * as servingKnativeDev from "./serving.knative.dev/index.ts";
export * as runGoogleapisCom from "./run.googleapis.com/index.ts";
