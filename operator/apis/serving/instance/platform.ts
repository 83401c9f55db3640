/** Names in Cloud Run's YAML for features of its platform. */

/** Node selector key of the GPU type. */
export const ACCELERATOR = 'run.googleapis.com/accelerator';

/** Runtime class for automatic base image updates. */
export const BASE_IMAGE_RUNTIME = 'run.googleapis.com/linux-base-image-update';

/** CSI driver of Cloud Storage volumes. */
export const CLOUD_STORAGE_DRIVER = 'gcsfuse.run.googleapis.com';
