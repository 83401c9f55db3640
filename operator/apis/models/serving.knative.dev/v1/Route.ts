import type { IObjectMeta } from "@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta";
import { Model, type ModelData, setValidateFunc, createTypeMetaGuard } from "@kubernetes-models/base";
import type { ValidateFunc } from "@kubernetes-models/validate";
import { validate } from "../../_schemas/ServingKnativeDevV1Route.js";

/**
 * Which revisions answer at a URL, and for which share of the traffic.
 */
export interface IRoute {
  "apiVersion": "serving.knative.dev/v1";
  "kind": "Route";
  "metadata"?: IObjectMeta;
  /**
   * What is wanted.
   */
  "spec": {
    /**
     * Who gets which share of the traffic.
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
    }>;
  };
  /**
   * What is known of the route.
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
 * Which revisions answer at a URL, and for which share of the traffic.
 */
export class Route extends Model<IRoute> implements IRoute {
  "apiVersion": IRoute["apiVersion"];
  "kind": IRoute["kind"];
  "metadata"?: IRoute["metadata"];
  "spec": IRoute["spec"];
  "status"?: IRoute["status"];

static apiVersion: IRoute["apiVersion"] = "serving.knative.dev/v1";
static kind: IRoute["kind"] = "Route";
static is = createTypeMetaGuard<IRoute>(Route);

constructor(data?: ModelData<IRoute>) {
  super();

  this.setDefinedProps({
    apiVersion: Route.apiVersion,
    kind: Route.kind,
    ...data
  } as IRoute);
}
}


setValidateFunc(Route, validate as ValidateFunc<IRoute>);
