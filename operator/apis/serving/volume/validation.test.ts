import { CONTAINER, SPEC, testErrors } from '../service/errorCases.ts';

describe('volumes', () => {
  testErrors({
    'a secret as files': {
      spec: '{volumes: [{name: v, secret: {secretName: s, items: [{key: latest, path: a/b}]}}]}',
      container: '{volumeMounts: [{name: v, mountPath: /secrets}]}',
      reason: 'as gcloud writes it',
    },
    'two versions of one secret in one directory': {
      spec: '{volumes: [{name: v, secret: {secretName: s, items: [{key: "1", path: 1.txt}, {key: "2", path: 2.txt}]}}]}',
      container: '{volumeMounts: [{name: v, mountPath: /secret}]}',
      reason: 'one volume may have any number of versions',
    },
    'two versions of one secret as two volumes': {
      spec: '{volumes: [{name: v, secret: {secretName: s, items: [{key: "1", path: 1.txt}]}}, {name: w, secret: {secretName: s, items: [{key: "2", path: 2.txt}]}}]}',
      container: '{volumeMounts: [{name: v, mountPath: /secret}, {name: w, mountPath: /secret}]}',
      errors: [[`${CONTAINER}.volumeMounts[1].mountPath`, /is "\/secret", where another volume is mounted/]],
      reason: 'only the second would be there (google-github-actions/deploy-cloudrun#267)',
    },
    'a mount of no volume': {
      container: '{volumeMounts: [{name: v, mountPath: /x}]}',
      errors: [[`${CONTAINER}.volumeMounts[0].name`, /is "v"; there is no such volume/]],
      reason: 'a typing mistake, most likely',
    },
    'two mounts in one place': {
      spec: '{volumes: [{name: v, emptyDir: {}}, {name: w, emptyDir: {}}]}',
      container: '{volumeMounts: [{name: v, mountPath: /x}, {name: w, mountPath: /x/}]}',
      errors: [[`${CONTAINER}.volumeMounts[1].mountPath`, /is "\/x", where another volume is mounted/]],
      reason: 'one would hide the other',
    },
    'a mount in place of everything': {
      spec: '{volumes: [{name: v, emptyDir: {}}]}',
      container: '{volumeMounts: [{name: v, mountPath: /}]}',
      errors: [[`${CONTAINER}.volumeMounts[0].mountPath`, /other than \//]],
      reason: 'the program would be hidden',
    },
    'a file outside of its volume': {
      spec: '{volumes: [{name: v, secret: {secretName: s, items: [{key: k, path: ../etc/passwd}]}}]}',
      errors: [[`${SPEC}.volumes[0].secret.items[0].path`, /below the volume/]],
      reason: 'it would reach into the host',
    },
    'a volume of two kinds': {
      spec: '{volumes: [{name: v, emptyDir: {}, nfs: {server: h, path: /x}}]}',
      errors: [[`${SPEC}.volumes[0]`, /has emptyDir and nfs; it must have exactly one/]],
      reason: 'only one can count',
    },
    'a volume of no kind': {
      spec: '{volumes: [{name: v}]}',
      errors: [[`${SPEC}.volumes[0]`, /has no source/]],
      reason: 'there is nothing to mount',
    },
    'a bucket': {
      spec: '{volumes: [{name: v, csi: {driver: gcsfuse.run.googleapis.com, volumeAttributes: {bucketName: b}}}]}',
      reason: 'as gcloud writes it',
    },
    'a bucket without a name': {
      spec: '{volumes: [{name: v, csi: {driver: gcsfuse.run.googleapis.com}}]}',
      errors: [[`${SPEC}.volumes[0].csi.volumeAttributes.bucketName`, /must be set/]],
      reason: 'there is nothing to mount',
    },
    'a ConfigMap as files': {
      spec: '{volumes: [{name: v, configMap: {name: c}}]}',
      errors: [[`${SPEC}.volumes[0].configMap`, /not supported by Cloud Run/]],
      strict: true,
      reason: "Knative's own",
    },
    'scratch space of no size': {
      spec: '{volumes: [{name: v, emptyDir: {sizeLimit: 0}}]}',
      errors: [[`${SPEC}.volumes[0].emptyDir.sizeLimit`, /is 0; it must be a quantity above 0/]],
      reason: 'nothing could be written',
    },

    'two volumes of one name': {
      spec: '{volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]}',
      errors: [[`${SPEC}.volumes[1].name`, /is "v", the name of another volume/]],
      reason: 'names identify volumes',
    },
    'a relative path on an NFS server': {
      spec: '{volumes: [{name: v, nfs: {server: h, path: x}}]}',
      errors: [[`${SPEC}.volumes[0].nfs.path`, /is "x"; it must be an absolute path/]],
      reason: 'relative to what',
    },
    'a disk of the cluster through CSI': {
      spec: '{volumes: [{name: v, csi: {driver: disk.example.com}}]}',
      errors: [[`${SPEC}.volumes[0].csi.driver`, /is "disk.example.com"; Cloud Run supports only gcsfuse/]],
      strict: true,
      reason: "Knative's own",
    },
    'a volume of no secret': {
      spec: '{volumes: [{name: v, secret: {items: [{key: "", path: x}]}}]}',
      errors: [
        [`${SPEC}.volumes[0].secret.secretName`, /must be set/],
        [`${SPEC}.volumes[0].secret.items[0].key`, /must be set/],
      ],
      reason: 'there is nothing to mount',
    },
  });
});
