import type { IObjectMeta } from "@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta";
import { Model, type ModelData, setValidateFunc, createTypeMetaGuard } from "@kubernetes-models/base";
import type { ValidateFunc } from "@kubernetes-models/validate";
import { validate } from "../../_schemas/ServingKnativeDevV1Service.js";

/**
 * A container image that answers requests at a URL, with its revisions and their shares of the traffic.
 */
export interface IService {
  "apiVersion": "serving.knative.dev/v1";
  "kind": "Service";
  "metadata"?: IObjectMeta;
  /**
   * What is wanted.
   */
  "spec": {
    /**
     * The revision to make. Any change of it makes a new one.
     */
    "template": {
      /**
       * Metadata of the revision.
       */
      "metadata"?: {
        /**
         * Annotations of the revision, all texts. Those that steer it: autoscaling.knative.dev/minScale and maxScale (services alone); with run.googleapis.com/ before them: startup-cpu-boost, container-dependencies, health-check-disabled, execution-environment, secrets.
         */
        "annotations"?: {
          [key: string]: string;
        };
        /**
         * Ignored.
         */
        "creationTimestamp"?: string;
        /**
         * Labels of the revision.
         */
        "labels"?: {
          [key: string]: string;
        };
        /**
         * Name of the revision: the name of the service, a dash and more. Made up when unset.
         */
        "name"?: string;
        /**
         * Ignored: a revision lives in the namespace of its service.
         */
        "namespace"?: string;
      };
      /**
       * What an instance is made of.
       */
      "spec": {
        /**
         * Where to run. Not supported by Cloud Run.
         */
        "affinity"?: {
          /**
           * Which nodes.
           */
          "nodeAffinity"?: {
            /**
             * Should hold.
             */
            "preferredDuringSchedulingIgnoredDuringExecution"?: Array<{
              "preference": {
                /**
                 * Requirements on labels of the node.
                 */
                "matchExpressions"?: Array<{
                  /**
                   * Label key.
                   */
                  "key": string;
                  /**
                   * How key and values relate.
                   */
                  "operator": "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";
                  /**
                   * Values to compare with.
                   */
                  "values"?: Array<string>;
                }>;
                /**
                 * Requirements on fields of the node.
                 */
                "matchFields"?: Array<{
                  /**
                   * Label key.
                   */
                  "key": string;
                  /**
                   * How key and values relate.
                   */
                  "operator": "In" | "NotIn";
                  /**
                   * Values to compare with.
                   */
                  "values"?: Array<string>;
                }>;
              };
              /**
               * How much it counts.
               */
              "weight": number;
            }>;
            /**
             * Must hold.
             */
            "requiredDuringSchedulingIgnoredDuringExecution"?: {
              /**
               * One of them must hold.
               */
              "nodeSelectorTerms": Array<{
                /**
                 * Requirements on labels of the node.
                 */
                "matchExpressions"?: Array<{
                  /**
                   * Label key.
                   */
                  "key": string;
                  /**
                   * How key and values relate.
                   */
                  "operator": "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";
                  /**
                   * Values to compare with.
                   */
                  "values"?: Array<string>;
                }>;
                /**
                 * Requirements on fields of the node.
                 */
                "matchFields"?: Array<{
                  /**
                   * Label key.
                   */
                  "key": string;
                  /**
                   * How key and values relate.
                   */
                  "operator": "In" | "NotIn";
                  /**
                   * Values to compare with.
                   */
                  "values"?: Array<string>;
                }>;
              }>;
            };
          };
          /**
           * Near which pods.
           */
          "podAffinity"?: {
            /**
             * Should hold.
             */
            "preferredDuringSchedulingIgnoredDuringExecution"?: Array<{
              "podAffinityTerm": {
                /**
                 * Which pods are meant.
                 */
                "labelSelector"?: {
                  /**
                   * Requirements on labels.
                   */
                  "matchExpressions"?: Array<{
                    /**
                     * Label key.
                     */
                    "key": string;
                    /**
                     * How key and values relate.
                     */
                    "operator": "In" | "NotIn" | "Exists" | "DoesNotExist";
                    /**
                     * Values to compare with.
                     */
                    "values"?: Array<string>;
                  }>;
                  /**
                   * Labels that must be equal.
                   */
                  "matchLabels"?: {
                    [key: string]: string;
                  };
                };
                /**
                 * Labels that must equal the own ones.
                 */
                "matchLabelKeys"?: Array<string>;
                /**
                 * Labels that must differ.
                 */
                "mismatchLabelKeys"?: Array<string>;
                /**
                 * Which pods are meant.
                 */
                "namespaceSelector"?: {
                  /**
                   * Requirements on labels.
                   */
                  "matchExpressions"?: Array<{
                    /**
                     * Label key.
                     */
                    "key": string;
                    /**
                     * How key and values relate.
                     */
                    "operator": "In" | "NotIn" | "Exists" | "DoesNotExist";
                    /**
                     * Values to compare with.
                     */
                    "values"?: Array<string>;
                  }>;
                  /**
                   * Labels that must be equal.
                   */
                  "matchLabels"?: {
                    [key: string]: string;
                  };
                };
                /**
                 * Namespaces of those pods.
                 */
                "namespaces"?: Array<string>;
                /**
                 * Node label that makes a place.
                 */
                "topologyKey": string;
              };
              /**
               * How much it counts.
               */
              "weight": number;
            }>;
            /**
             * Must hold.
             */
            "requiredDuringSchedulingIgnoredDuringExecution"?: Array<{
              /**
               * Which pods are meant.
               */
              "labelSelector"?: {
                /**
                 * Requirements on labels.
                 */
                "matchExpressions"?: Array<{
                  /**
                   * Label key.
                   */
                  "key": string;
                  /**
                   * How key and values relate.
                   */
                  "operator": "In" | "NotIn" | "Exists" | "DoesNotExist";
                  /**
                   * Values to compare with.
                   */
                  "values"?: Array<string>;
                }>;
                /**
                 * Labels that must be equal.
                 */
                "matchLabels"?: {
                  [key: string]: string;
                };
              };
              /**
               * Labels that must equal the own ones.
               */
              "matchLabelKeys"?: Array<string>;
              /**
               * Labels that must differ.
               */
              "mismatchLabelKeys"?: Array<string>;
              /**
               * Which pods are meant.
               */
              "namespaceSelector"?: {
                /**
                 * Requirements on labels.
                 */
                "matchExpressions"?: Array<{
                  /**
                   * Label key.
                   */
                  "key": string;
                  /**
                   * How key and values relate.
                   */
                  "operator": "In" | "NotIn" | "Exists" | "DoesNotExist";
                  /**
                   * Values to compare with.
                   */
                  "values"?: Array<string>;
                }>;
                /**
                 * Labels that must be equal.
                 */
                "matchLabels"?: {
                  [key: string]: string;
                };
              };
              /**
               * Namespaces of those pods.
               */
              "namespaces"?: Array<string>;
              /**
               * Node label that makes a place.
               */
              "topologyKey": string;
            }>;
          };
          /**
           * Away from which pods.
           */
          "podAntiAffinity"?: {
            /**
             * Should hold.
             */
            "preferredDuringSchedulingIgnoredDuringExecution"?: Array<{
              "podAffinityTerm": {
                /**
                 * Which pods are meant.
                 */
                "labelSelector"?: {
                  /**
                   * Requirements on labels.
                   */
                  "matchExpressions"?: Array<{
                    /**
                     * Label key.
                     */
                    "key": string;
                    /**
                     * How key and values relate.
                     */
                    "operator": "In" | "NotIn" | "Exists" | "DoesNotExist";
                    /**
                     * Values to compare with.
                     */
                    "values"?: Array<string>;
                  }>;
                  /**
                   * Labels that must be equal.
                   */
                  "matchLabels"?: {
                    [key: string]: string;
                  };
                };
                /**
                 * Labels that must equal the own ones.
                 */
                "matchLabelKeys"?: Array<string>;
                /**
                 * Labels that must differ.
                 */
                "mismatchLabelKeys"?: Array<string>;
                /**
                 * Which pods are meant.
                 */
                "namespaceSelector"?: {
                  /**
                   * Requirements on labels.
                   */
                  "matchExpressions"?: Array<{
                    /**
                     * Label key.
                     */
                    "key": string;
                    /**
                     * How key and values relate.
                     */
                    "operator": "In" | "NotIn" | "Exists" | "DoesNotExist";
                    /**
                     * Values to compare with.
                     */
                    "values"?: Array<string>;
                  }>;
                  /**
                   * Labels that must be equal.
                   */
                  "matchLabels"?: {
                    [key: string]: string;
                  };
                };
                /**
                 * Namespaces of those pods.
                 */
                "namespaces"?: Array<string>;
                /**
                 * Node label that makes a place.
                 */
                "topologyKey": string;
              };
              /**
               * How much it counts.
               */
              "weight": number;
            }>;
            /**
             * Must hold.
             */
            "requiredDuringSchedulingIgnoredDuringExecution"?: Array<{
              /**
               * Which pods are meant.
               */
              "labelSelector"?: {
                /**
                 * Requirements on labels.
                 */
                "matchExpressions"?: Array<{
                  /**
                   * Label key.
                   */
                  "key": string;
                  /**
                   * How key and values relate.
                   */
                  "operator": "In" | "NotIn" | "Exists" | "DoesNotExist";
                  /**
                   * Values to compare with.
                   */
                  "values"?: Array<string>;
                }>;
                /**
                 * Labels that must be equal.
                 */
                "matchLabels"?: {
                  [key: string]: string;
                };
              };
              /**
               * Labels that must equal the own ones.
               */
              "matchLabelKeys"?: Array<string>;
              /**
               * Labels that must differ.
               */
              "mismatchLabelKeys"?: Array<string>;
              /**
               * Which pods are meant.
               */
              "namespaceSelector"?: {
                /**
                 * Requirements on labels.
                 */
                "matchExpressions"?: Array<{
                  /**
                   * Label key.
                   */
                  "key": string;
                  /**
                   * How key and values relate.
                   */
                  "operator": "In" | "NotIn" | "Exists" | "DoesNotExist";
                  /**
                   * Values to compare with.
                   */
                  "values"?: Array<string>;
                }>;
                /**
                 * Labels that must be equal.
                 */
                "matchLabels"?: {
                  [key: string]: string;
                };
              };
              /**
               * Namespaces of those pods.
               */
              "namespaces"?: Array<string>;
              /**
               * Node label that makes a place.
               */
              "topologyKey": string;
            }>;
          };
        };
        /**
         * Whether containers get a Kubernetes token. Not supported by Cloud Run.
         */
        "automountServiceAccountToken"?: boolean;
        /**
         * Most requests at once in one instance; unset or 0: 80 with one CPU or more, else 1.
         */
        "containerConcurrency"?: number;
        /**
         * Containers of an instance; the one with ports gets the requests.
         */
        "containers": Array<{
          /**
           * Arguments to the entrypoint.
           */
          "args"?: Array<string>;
          /**
           * Entrypoint; that of the image when unset.
           */
          "command"?: Array<string>;
          /**
           * Environment variables; of two with one name the last one counts.
           */
          "env"?: Array<{
            /**
             * Name of the variable: printable ASCII without =. PORT and K_\* are set by the platform.
             */
            "name": string;
            /**
             * Value of the variable.
             */
            "value"?: string;
            /**
             * Where the value comes from; not together with value.
             */
            "valueFrom"?: {
              /**
               * A key of a ConfigMap.
               */
              "configMapKeyRef"?: {
                /**
                 * Key of the ConfigMap. Not supported by Cloud Run.
                 */
                "key": string;
                /**
                 * Name of the ConfigMap.
                 */
                "name"?: string;
                /**
                 * Whether the ConfigMap may be missing.
                 */
                "optional"?: boolean;
              };
              /**
               * A field of the pod. Not supported by Cloud Run.
               */
              "fieldRef"?: {
                /**
                 * API version of the field path.
                 */
                "apiVersion"?: string;
                /**
                 * Field of the pod.
                 */
                "fieldPath": string;
              };
              /**
               * A resource of a container. Not supported by Cloud Run.
               */
              "resourceFieldRef"?: {
                /**
                 * Container whose resource it is.
                 */
                "containerName"?: string;
                /**
                 * Unit of the value.
                 */
                "divisor"?: number | string;
                /**
                 * Resource name.
                 */
                "resource": string;
              };
              /**
               * A key of a secret.
               */
              "secretKeyRef"?: {
                /**
                 * Version of the secret (latest, a number or an alias), or key of a Secret.
                 */
                "key": string;
                /**
                 * Name of the secret.
                 */
                "name"?: string;
                /**
                 * Whether the secret may be missing.
                 */
                "optional"?: boolean;
              };
            };
          }>;
          /**
           * Sources of environment variables. Not supported by Cloud Run.
           */
          "envFrom"?: Array<{
            /**
             * Every key of a ConfigMap.
             */
            "configMapRef"?: {
              /**
               * Name of the ConfigMap.
               */
              "name"?: string;
              /**
               * Whether the ConfigMap may be missing.
               */
              "optional"?: boolean;
            };
            /**
             * Text put before each name.
             */
            "prefix"?: string;
            /**
             * Every key of a Secret.
             */
            "secretRef"?: {
              /**
               * Name of the Secret.
               */
              "name"?: string;
              /**
               * Whether the Secret may be missing.
               */
              "optional"?: boolean;
            };
          }>;
          /**
           * Image reference: [HOST[:PORT]/]PATH[:TAG][@DIGEST].
           */
          "image": string;
          /**
           * When to pull the image.
           */
          "imagePullPolicy"?: "Always" | "IfNotPresent" | "Never" | "";
          /**
           * Restarts the container when it fails.
           */
          "livenessProbe"?: {
            /**
             * Runs a command. Not supported by Cloud Run.
             */
            "exec"?: {
              /**
               * Command to run inside the container; exit code 0 passes.
               */
              "command"?: Array<string>;
            };
            /**
             * Failures in a row that make the probe fail; 3 when unset or 0.
             */
            "failureThreshold"?: number;
            /**
             * Asks the gRPC health service.
             */
            "grpc"?: {
              /**
               * Port number. Unset or 0 is the port of the container.
               */
              "port"?: number;
              /**
               * Service name in the gRPC health check request.
               */
              "service"?: string;
            };
            /**
             * Sends an HTTP GET; a status from 200 to 399 passes.
             */
            "httpGet"?: {
              /**
               * Host to connect to. Not supported by Cloud Run.
               */
              "host"?: string;
              /**
               * Headers to send.
               */
              "httpHeaders"?: Array<{
                /**
                 * Header field name: letters, digits and dashes.
                 */
                "name": string;
                /**
                 * Header field value: visible ASCII, spaces and tabs.
                 */
                "value"?: string;
              }>;
              /**
               * Path to ask for, visible ASCII without spaces; / when unset.
               */
              "path"?: string;
              /**
               * Port number, or the name of the container port. Unset or 0 is the port of the container.
               */
              "port"?: number | string;
              /**
               * HTTP (default) or HTTPS. Not supported by Cloud Run.
               */
              "scheme"?: string;
            };
            /**
             * Seconds from the start of the container to the first probe; 0 when unset.
             */
            "initialDelaySeconds"?: number;
            /**
             * Seconds between two probes; 10 when unset or 0.
             */
            "periodSeconds"?: number;
            /**
             * Successes in a row that make the probe pass; 1 when unset or 0.
             */
            "successThreshold"?: number;
            /**
             * Opens a TCP connection; an accepted one passes.
             */
            "tcpSocket"?: {
              /**
               * Host to connect to. Not supported by Cloud Run.
               */
              "host"?: string;
              /**
               * Port number, or the name of the container port. Unset or 0 is the port of the container.
               */
              "port"?: number | string;
            };
            /**
             * Seconds after which a probe fails; 1 when unset or 0.
             */
            "timeoutSeconds"?: number;
          };
          /**
           * Name of the container: lower case letters, digits, dashes and dots; made up when unset.
           */
          "name"?: string;
          /**
           * The port that requests are sent to. The container that has it is the ingress container.
           */
          "ports"?: Array<{
            /**
             * Port that the container listens on; 8080 when unset or 0.
             */
            "containerPort"?: number;
            /**
             * Protocol of the container: http1 (default) or h2c.
             */
            "name"?: "http1" | "h2c" | "";
            /**
             * TCP.
             */
            "protocol"?: "TCP" | "";
          }>;
          /**
           * Takes the instance out of service while it fails.
           */
          "readinessProbe"?: {
            /**
             * Runs a command. Not supported by Cloud Run.
             */
            "exec"?: {
              /**
               * Command to run inside the container; exit code 0 passes.
               */
              "command"?: Array<string>;
            };
            /**
             * Failures in a row that make the probe fail; 3 when unset or 0.
             */
            "failureThreshold"?: number;
            /**
             * Asks the gRPC health service.
             */
            "grpc"?: {
              /**
               * Port number. Unset or 0 is the port of the container.
               */
              "port"?: number;
              /**
               * Service name in the gRPC health check request.
               */
              "service"?: string;
            };
            /**
             * Sends an HTTP GET; a status from 200 to 399 passes.
             */
            "httpGet"?: {
              /**
               * Host to connect to. Not supported by Cloud Run.
               */
              "host"?: string;
              /**
               * Headers to send.
               */
              "httpHeaders"?: Array<{
                /**
                 * Header field name: letters, digits and dashes.
                 */
                "name": string;
                /**
                 * Header field value: visible ASCII, spaces and tabs.
                 */
                "value"?: string;
              }>;
              /**
               * Path to ask for, visible ASCII without spaces; / when unset.
               */
              "path"?: string;
              /**
               * Port number, or the name of the container port. Unset or 0 is the port of the container.
               */
              "port"?: number | string;
              /**
               * HTTP (default) or HTTPS. Not supported by Cloud Run.
               */
              "scheme"?: string;
            };
            /**
             * Seconds from the start of the container to the first probe; 0 when unset.
             */
            "initialDelaySeconds"?: number;
            /**
             * Seconds between two probes; 10 when unset or 0.
             */
            "periodSeconds"?: number;
            /**
             * Successes in a row that make the probe pass; 1 when unset or 0.
             */
            "successThreshold"?: number;
            /**
             * Opens a TCP connection; an accepted one passes.
             */
            "tcpSocket"?: {
              /**
               * Host to connect to. Not supported by Cloud Run.
               */
              "host"?: string;
              /**
               * Port number, or the name of the container port. Unset or 0 is the port of the container.
               */
              "port"?: number | string;
            };
            /**
             * Seconds after which a probe fails; 1 when unset or 0.
             */
            "timeoutSeconds"?: number;
          };
          /**
           * Compute resources.
           */
          "resources"?: {
            /**
             * Most that the container may use: cpu (default 1000m), memory (512Mi), nvidia.com/gpu.
             */
            "limits"?: {
              [key: string]: number | string;
            };
            /**
             * Least that the container needs; the limits when unset.
             */
            "requests"?: {
              [key: string]: number | string;
            };
          };
          /**
           * Security settings of the container. Not supported by Cloud Run.
           */
          "securityContext"?: {
            /**
             * Whether a process may gain more privileges than its parent.
             */
            "allowPrivilegeEscalation"?: boolean;
            /**
             * Linux capabilities.
             */
            "capabilities"?: {
              /**
               * Only NET_BIND_SERVICE may be added.
               */
              "add"?: Array<string>;
              /**
               * Capabilities to give up.
               */
              "drop"?: Array<string>;
            };
            /**
             * Must be false.
             */
            "privileged"?: boolean;
            /**
             * Whether the root file system is read-only.
             */
            "readOnlyRootFilesystem"?: boolean;
            /**
             * Group id of the process.
             */
            "runAsGroup"?: number;
            /**
             * Whether to refuse to run as root.
             */
            "runAsNonRoot"?: boolean;
            /**
             * User id of the process; that of the image when unset.
             */
            "runAsUser"?: number;
            /**
             * System call filter.
             */
            "seccompProfile"?: {
              /**
               * Profile file on the node.
               */
              "localhostProfile"?: string;
              /**
               * RuntimeDefault, Localhost or Unconfined.
               */
              "type": string;
            };
          };
          /**
           * Tells when the container has started. Default of the ingress container: a TCP check of its port for 240 s.
           */
          "startupProbe"?: {
            /**
             * Runs a command. Not supported by Cloud Run.
             */
            "exec"?: {
              /**
               * Command to run inside the container; exit code 0 passes.
               */
              "command"?: Array<string>;
            };
            /**
             * Failures in a row that make the probe fail; 3 when unset or 0.
             */
            "failureThreshold"?: number;
            /**
             * Asks the gRPC health service.
             */
            "grpc"?: {
              /**
               * Port number. Unset or 0 is the port of the container.
               */
              "port"?: number;
              /**
               * Service name in the gRPC health check request.
               */
              "service"?: string;
            };
            /**
             * Sends an HTTP GET; a status from 200 to 399 passes.
             */
            "httpGet"?: {
              /**
               * Host to connect to. Not supported by Cloud Run.
               */
              "host"?: string;
              /**
               * Headers to send.
               */
              "httpHeaders"?: Array<{
                /**
                 * Header field name: letters, digits and dashes.
                 */
                "name": string;
                /**
                 * Header field value: visible ASCII, spaces and tabs.
                 */
                "value"?: string;
              }>;
              /**
               * Path to ask for, visible ASCII without spaces; / when unset.
               */
              "path"?: string;
              /**
               * Port number, or the name of the container port. Unset or 0 is the port of the container.
               */
              "port"?: number | string;
              /**
               * HTTP (default) or HTTPS. Not supported by Cloud Run.
               */
              "scheme"?: string;
            };
            /**
             * Seconds from the start of the container to the first probe; 0 when unset.
             */
            "initialDelaySeconds"?: number;
            /**
             * Seconds between two probes; 10 when unset or 0.
             */
            "periodSeconds"?: number;
            /**
             * Successes in a row that make the probe pass; 1 when unset or 0.
             */
            "successThreshold"?: number;
            /**
             * Opens a TCP connection; an accepted one passes.
             */
            "tcpSocket"?: {
              /**
               * Host to connect to. Not supported by Cloud Run.
               */
              "host"?: string;
              /**
               * Port number, or the name of the container port. Unset or 0 is the port of the container.
               */
              "port"?: number | string;
            };
            /**
             * Seconds after which a probe fails; 1 when unset or 0.
             */
            "timeoutSeconds"?: number;
          };
          /**
           * File with the last words of the container.
           */
          "terminationMessagePath"?: string;
          /**
           * Where the last words come from when the file is empty.
           */
          "terminationMessagePolicy"?: "File" | "FallbackToLogsOnError" | "";
          /**
           * Volumes that the container sees.
           */
          "volumeMounts"?: Array<{
            /**
             * Absolute path in the container, without a colon.
             */
            "mountPath": string;
            /**
             * Name of the volume.
             */
            "name": string;
            /**
             * Whether the container may only read.
             */
            "readOnly"?: boolean;
            /**
             * Path within the volume; its root when unset.
             */
            "subPath"?: string;
          }>;
          /**
           * Working directory; that of the image when unset.
           */
          "workingDir"?: string;
        }>;
        /**
         * Settings of the resolver. Not supported by Cloud Run.
         */
        "dnsConfig"?: {
          /**
           * Addresses of servers.
           */
          "nameservers"?: Array<string>;
          /**
           * Options of the resolver.
           */
          "options"?: Array<{
            /**
             * Name of the option.
             */
            "name"?: string;
            /**
             * Value of the option.
             */
            "value"?: string;
          }>;
          /**
           * Domains to search.
           */
          "searches"?: Array<string>;
        };
        /**
         * Which DNS servers to ask. Not supported by Cloud Run.
         */
        "dnsPolicy"?: "ClusterFirst" | "ClusterFirstWithHostNet" | "Default" | "None" | "";
        /**
         * Whether services appear as environment variables. Not supported by Cloud Run.
         */
        "enableServiceLinks"?: boolean;
        /**
         * Entries of /etc/hosts. Not supported by Cloud Run.
         */
        "hostAliases"?: Array<{
          /**
           * Names of the address.
           */
          "hostnames"?: Array<string>;
          /**
           * Address.
           */
          "ip": string;
        }>;
        /**
         * Time without a byte in either direction in seconds. Not supported by Cloud Run.
         */
        "idleTimeoutSeconds"?: number;
        /**
         * Secrets for pulling images. Not supported by Cloud Run.
         */
        "imagePullSecrets"?: Array<{
          /**
           * Name of the Secret.
           */
          "name"?: string;
        }>;
        /**
         * Labels of the nodes to run on; run.googleapis.com/accelerator is the type of GPU.
         */
        "nodeSelector"?: {
          [key: string]: string;
        };
        /**
         * Priority class. Not supported by Cloud Run.
         */
        "priorityClassName"?: string;
        /**
         * Time to the first byte of an answer in seconds. Not supported by Cloud Run.
         */
        "responseStartTimeoutSeconds"?: number;
        /**
         * Runtime class; unset for the default one.
         */
        "runtimeClassName"?: string;
        /**
         * Scheduler. Not supported by Cloud Run.
         */
        "schedulerName"?: string;
        /**
         * Security settings of all containers. Not supported by Cloud Run.
         */
        "securityContext"?: {
          /**
           * Group that owns the volumes.
           */
          "fsGroup"?: number;
          /**
           * Group id of the processes.
           */
          "runAsGroup"?: number;
          /**
           * Whether to refuse to run as root.
           */
          "runAsNonRoot"?: boolean;
          /**
           * User id of the processes.
           */
          "runAsUser"?: number;
          /**
           * System call filter.
           */
          "seccompProfile"?: {
            /**
             * Profile file on the node.
             */
            "localhostProfile"?: string;
            /**
             * RuntimeDefault, Localhost or Unconfined.
             */
            "type": string;
          };
          /**
           * More groups of the processes.
           */
          "supplementalGroups"?: Array<number>;
        };
        /**
         * Service account of the instances: a name or an e-mail address.
         */
        "serviceAccountName"?: string;
        /**
         * Whether containers see the processes of each other. Not supported by Cloud Run.
         */
        "shareProcessNamespace"?: boolean;
        /**
         * Time for one request in seconds; 300 when unset or 0.
         */
        "timeoutSeconds"?: number;
        /**
         * Taints to bear. Not supported by Cloud Run.
         */
        "tolerations"?: Array<{
          /**
           * Taint effect.
           */
          "effect"?: "NoSchedule" | "PreferNoSchedule" | "NoExecute" | "";
          /**
           * Taint key; every key when unset.
           */
          "key"?: string;
          /**
           * How key and value relate.
           */
          "operator"?: "Exists" | "Equal" | "";
          /**
           * How long a NoExecute taint is borne.
           */
          "tolerationSeconds"?: number;
          /**
           * Taint value.
           */
          "value"?: string;
        }>;
        /**
         * How to spread over places. Not supported by Cloud Run.
         */
        "topologySpreadConstraints"?: Array<{
          /**
           * Which pods are meant.
           */
          "labelSelector"?: {
            /**
             * Requirements on labels.
             */
            "matchExpressions"?: Array<{
              /**
               * Label key.
               */
              "key": string;
              /**
               * How key and values relate.
               */
              "operator": "In" | "NotIn" | "Exists" | "DoesNotExist";
              /**
               * Values to compare with.
               */
              "values"?: Array<string>;
            }>;
            /**
             * Labels that must be equal.
             */
            "matchLabels"?: {
              [key: string]: string;
            };
          };
          /**
           * Labels that must equal the own ones.
           */
          "matchLabelKeys"?: Array<string>;
          /**
           * Greatest difference between two places.
           */
          "maxSkew": number;
          /**
           * Least number of places.
           */
          "minDomains"?: number;
          /**
           * Node label that makes a place.
           */
          "topologyKey": string;
          /**
           * What to do when it cannot hold.
           */
          "whenUnsatisfiable": "DoNotSchedule" | "ScheduleAnyway";
        }>;
        /**
         * Volumes that containers may mount.
         */
        "volumes"?: Array<{
          /**
           * Keys of a ConfigMap as files. Not supported by Cloud Run.
           */
          "configMap"?: {
            /**
             * Mode bits of the files, 0 to 0777; 0644 when unset.
             */
            "defaultMode"?: number;
            /**
             * Which keys to show, and under which file names.
             */
            "items"?: Array<{
              /**
               * Key, or version of a Cloud Run secret (latest, a number, an alias).
               */
              "key": string;
              /**
               * Mode bits of the file, 0 to 0777; the default mode when unset.
               */
              "mode"?: number;
              /**
               * File name below the mount path; may hold / but not ..
               */
              "path": string;
            }>;
            /**
             * Name of the ConfigMap in the namespace.
             */
            "name"?: string;
            /**
             * Whether the volume may be empty when the source is missing.
             */
            "optional"?: boolean;
          };
          /**
           * A volume that a CSI driver mounts, such as a Cloud Storage bucket.
           */
          "csi"?: {
            /**
             * Name of the CSI driver, gcsfuse.run.googleapis.com for Cloud Storage.
             */
            "driver": string;
            /**
             * File system to mount. Not supported by Cloud Run.
             */
            "fsType"?: string;
            /**
             * Secret for the driver. Not supported by Cloud Run.
             */
            "nodePublishSecretRef"?: {
              /**
               * Name of the Secret in the namespace.
               */
              "name"?: string;
            };
            /**
             * Whether to mount it read-only.
             */
            "readOnly"?: boolean;
            /**
             * Attributes of the driver, such as bucketName.
             */
            "volumeAttributes"?: {
              [key: string]: string;
            };
          };
          /**
           * A directory in memory, or on disk, that the containers of an instance share.
           */
          "emptyDir"?: {
            /**
             * Memory, or empty; Disk for the disk of the node.
             */
            "medium"?: string;
            /**
             * Most that the volume may hold; half of the memory of all containers when unset.
             */
            "sizeLimit"?: number | string;
          };
          /**
           * Name that volume mounts refer to.
           */
          "name": string;
          /**
           * A directory of an NFS server.
           */
          "nfs"?: {
            /**
             * Path that the server exports.
             */
            "path": string;
            /**
             * Whether to mount it read-only.
             */
            "readOnly"?: boolean;
            /**
             * Host name or address of the server.
             */
            "server": string;
          };
          /**
           * A persistent volume claim. Not supported by Cloud Run.
           */
          "persistentVolumeClaim"?: {
            /**
             * Name of the claim in the namespace.
             */
            "claimName": string;
            /**
             * Whether to mount it read-only.
             */
            "readOnly"?: boolean;
          };
          /**
           * Several sources in one directory. Not supported by Cloud Run.
           */
          "projected"?: {
            /**
             * Mode bits of the files, 0 to 0777; 0644 when unset.
             */
            "defaultMode"?: number;
            /**
             * What to show in one directory.
             */
            "sources"?: Array<{
              /**
               * Keys of a ConfigMap.
               */
              "configMap"?: {
                /**
                 * Which keys to show, and under which file names.
                 */
                "items"?: Array<{
                  /**
                   * Key, or version of a Cloud Run secret (latest, a number, an alias).
                   */
                  "key": string;
                  /**
                   * Mode bits of the file, 0 to 0777; the default mode when unset.
                   */
                  "mode"?: number;
                  /**
                   * File name below the mount path; may hold / but not ..
                   */
                  "path": string;
                }>;
                /**
                 * Name of the ConfigMap in the namespace.
                 */
                "name"?: string;
                /**
                 * Whether the volume may be empty when the source is missing.
                 */
                "optional"?: boolean;
              };
              /**
               * Fields of the pod.
               */
              "downwardAPI"?: {
                /**
                 * Files to make.
                 */
                "items"?: Array<{
                  /**
                   * A field of the pod.
                   */
                  "fieldRef"?: {
                    /**
                     * API version of the field path.
                     */
                    "apiVersion"?: string;
                    /**
                     * Field of the pod.
                     */
                    "fieldPath": string;
                  };
                  /**
                   * Mode bits of the file.
                   */
                  "mode"?: number;
                  /**
                   * File name.
                   */
                  "path": string;
                  /**
                   * A resource of a container.
                   */
                  "resourceFieldRef"?: {
                    /**
                     * Container whose resource it is.
                     */
                    "containerName"?: string;
                    /**
                     * Unit of the value.
                     */
                    "divisor"?: number | string;
                    /**
                     * Resource name.
                     */
                    "resource": string;
                  };
                }>;
              };
              /**
               * Keys of a Secret.
               */
              "secret"?: {
                /**
                 * Which keys to show, and under which file names.
                 */
                "items"?: Array<{
                  /**
                   * Key, or version of a Cloud Run secret (latest, a number, an alias).
                   */
                  "key": string;
                  /**
                   * Mode bits of the file, 0 to 0777; the default mode when unset.
                   */
                  "mode"?: number;
                  /**
                   * File name below the mount path; may hold / but not ..
                   */
                  "path": string;
                }>;
                /**
                 * Name of the Secret in the namespace.
                 */
                "name"?: string;
                /**
                 * Whether the volume may be empty when the source is missing.
                 */
                "optional"?: boolean;
              };
              /**
               * A token of the service account.
               */
              "serviceAccountToken"?: {
                /**
                 * Who the token is for; the API server when unset.
                 */
                "audience"?: string;
                /**
                 * Lifetime of the token in seconds.
                 */
                "expirationSeconds"?: number;
                /**
                 * File name of the token.
                 */
                "path": string;
              };
            }>;
          };
          /**
           * Versions of a secret as files.
           */
          "secret"?: {
            /**
             * Mode bits of the files, 0 to 0777; 0444 when unset.
             */
            "defaultMode"?: number;
            /**
             * Which keys to show, and under which file names.
             */
            "items"?: Array<{
              /**
               * Key, or version of a Cloud Run secret (latest, a number, an alias).
               */
              "key": string;
              /**
               * Mode bits of the file, 0 to 0777; the default mode when unset.
               */
              "mode"?: number;
              /**
               * File name below the mount path; may hold / but not ..
               */
              "path": string;
            }>;
            /**
             * Whether the volume may be empty when the source is missing.
             */
            "optional"?: boolean;
            /**
             * Name of the secret, or an alias of annotation run.googleapis.com/secrets.
             */
            "secretName"?: string;
          };
        }>;
      };
    };
    /**
     * Who gets which share of the traffic.
     */
    "traffic"?: Array<{
      /**
       * Whether the share follows the latest ready revision; true unless revisionName is set.
       */
      "latestRevision"?: boolean;
      /**
       * Share of the traffic in percent; 0 when unset.
       */
      "percent"?: number;
      /**
       * Revision that gets the share.
       */
      "revisionName"?: string;
      /**
       * Name of an own URL for this target: a DNS label that starts with a letter.
       */
      "tag"?: string;
    }>;
  };
  /**
   * What is known of the service.
   */
  "status"?: {
    /**
     * Address inside the cluster.
     */
    "address"?: {
      /**
       * PEM certificates to trust.
       */
      "CACerts"?: string;
      /**
       * Audience of identity tokens.
       */
      "audience"?: string;
      /**
       * Name of the address.
       */
      "name"?: string;
      /**
       * URL inside the cluster.
       */
      "url"?: string;
    };
    /**
     * More about the status, for programs.
     */
    "annotations"?: {
      [key: string]: string;
    };
    /**
     * State of the object, one entry for each type.
     */
    "conditions"?: Array<{
      /**
       * When the status last changed (RFC 3339).
       */
      "lastTransitionTime"?: string;
      /**
       * Why, in a sentence for people.
       */
      "message"?: string;
      /**
       * Why, in one word for programs.
       */
      "reason"?: string;
      /**
       * How bad False is; Error when unset.
       */
      "severity"?: "" | "Error" | "Warning" | "Info";
      /**
       * Whether it holds.
       */
      "status": "True" | "False" | "Unknown";
      /**
       * What the condition is about.
       */
      "type": string;
    }>;
    /**
     * Revision made last.
     */
    "latestCreatedRevisionName"?: string;
    /**
     * Revision made last of those that became ready.
     */
    "latestReadyRevisionName"?: string;
    /**
     * Generation that this status is about.
     */
    "observedGeneration"?: number;
    /**
     * Revisions and the shares that they get.
     */
    "traffic"?: Array<{
      /**
       * Configuration whose latest ready revision gets the share.
       */
      "configurationName"?: string;
      /**
       * Whether the share follows the latest ready revision; true unless revisionName is set.
       */
      "latestRevision"?: boolean;
      /**
       * Share of the traffic in percent; 0 when unset.
       */
      "percent"?: number;
      /**
       * Revision that gets the share.
       */
      "revisionName"?: string;
      /**
       * Name of an own URL for this target: a DNS label that starts with a letter.
       */
      "tag"?: string;
      /**
       * URL of the tag.
       */
      "url"?: string;
    }>;
    /**
     * URL that gets the traffic.
     */
    "url"?: string;
  };
}

/**
 * A container image that answers requests at a URL, with its revisions and their shares of the traffic.
 */
export class Service extends Model<IService> implements IService {
  "apiVersion": IService["apiVersion"];
  "kind": IService["kind"];
  "metadata"?: IService["metadata"];
  "spec": IService["spec"];
  "status"?: IService["status"];

static apiVersion: IService["apiVersion"] = "serving.knative.dev/v1";
static kind: IService["kind"] = "Service";
static is = createTypeMetaGuard<IService>(Service);

constructor(data?: ModelData<IService>) {
  super();

  this.setDefinedProps({
    apiVersion: Service.apiVersion,
    kind: Service.kind,
    ...data
  } as IService);
}
}


setValidateFunc(Service, validate as ValidateFunc<IService>);
