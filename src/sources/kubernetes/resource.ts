/** A type of objects of the API server, or a part of them. */
export interface Resource {
  /** As RBAC and metrics name it: `endpointslices`. */
  readonly name: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Of all namespaces: `/api/v1/services`. */
  readonly path: string;
  readonly isNamespaced: boolean;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** The type may be missing on the server (404), which is the same as having no object. */
  readonly optional?: boolean;
  /** In which the server may have it instead, the best first. Objects are the same in all of them. */
  readonly otherVersions?: readonly Pick<Resource, 'apiVersion' | 'path'>[];
  /** Whoever may not read it goes on without it after a while, as if there were none. */
  readonly dispensable?: boolean;
}
