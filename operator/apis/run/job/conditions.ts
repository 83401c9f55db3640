/** Conditions of a job (Cloud Run API v1, JobStatus). */
export const JOB_CONDITIONS = {
  ready: 'Ready',
  /** Only there, and False, when Cloud Run would refuse what runs here; of severity Warning, it leaves Ready alone. */
  cloudRunCompatible: 'CloudRunCompatible',
} as const;
