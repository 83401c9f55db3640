export * as servingKnativeDev from "./serving.knative.dev/index.ts";
