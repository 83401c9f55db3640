import type { AdmissionCases } from './case.ts';

const WORDS = 'what a user needs to know';

/** Errors whose messages used to be hard to understand. */
export const MESSAGES: AdmissionCases = {
  'a service account with a placeholder': {
    service: { spec: `{serviceAccountName: "sa@\${PROJECT_ID}.iam.gserviceaccount.com"}` },
    outcome: 'rejected',
    message:
      /serviceAccountName: is "sa@\$\{PROJECT_ID\}\.iam\.gserviceaccount\.com"; \$\{PROJECT_ID\} was not filled in(\n|$)/,
    source: WORDS,
    reason: 'not by a regular expression over two lines',
  },
  'an image with a placeholder for its project': {
    service: { container: '{image: gcr.io/PROJECT_ID/x}' },
    outcome: 'rejected',
    message:
      /image: .*"gcr\.io\/PROJECT_ID\/x".* "PROJECT_ID" looks like a placeholder; paths are in lowercase/,
    source: WORDS,
    reason: 'half of all public files have one',
  },
  'a percent that is a text': {
    service: { traffic: '[{percent: many, latestRevision: true}]' },
    outcome: 'rejected',
    message: /^spec\.traffic\[0\]\.percent: is "many"; it must be a whole number from 0 to 100(?!.*sum)/,
    source: WORDS,
    reason: 'the sum is unknown while one cannot be parsed',
  },
  'a percent in quotes': {
    service: { traffic: '[{percent: "100", latestRevision: true}]' },
    outcome: 'accepted',
    source: "gcloud's own parser",
    reason: 'it reads digits in quotes as a number',
  },
  'a fraction of a CPU without quotes': {
    service: { container: '{resources: {limits: {cpu: 0.5}}}' },
    outcome: 'rejected',
    message: /limits\[cpu\]: is 0\.5; put it in quotes, "0\.5", or write 500m/,
    source: WORDS,
    reason: 'Kubernetes takes no fraction that is no text',
  },
};
