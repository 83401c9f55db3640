/** Names that Cloud Run's YAML uses for parts of its platform. */

/** Node selector key of the GPU type. */
export const ACCELERATOR = 'run.googleapis.com/accelerator';

/** Runtime class that stands for automatic base image updates. */
export const BASE_IMAGE_RUNTIME = 'run.googleapis.com/linux-base-image-update';

/** CSI driver of Cloud Storage volumes. */
export const CLOUD_STORAGE_DRIVER = 'gcsfuse.run.googleapis.com';
