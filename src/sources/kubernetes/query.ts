import type { Resource } from './resource.ts';

/** Everything that exists, as events, closed by a bookmark; then what changes. KEP-3157. */
export const initialQuery = (resource: Resource, timeoutS: number): string =>
  path(resource, {
    watch: 'true',
    allowWatchBookmarks: 'true',
    sendInitialEvents: 'true',
    resourceVersionMatch: 'NotOlderThan',
    resourceVersion: '',
    timeoutSeconds: String(timeoutS),
  });

export const watchQuery = (resource: Resource, version: string, timeoutS: number): string =>
  path(resource, {
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: version,
    timeoutSeconds: String(timeoutS),
  });

/** `any`: as some API server has it in memory, which may be behind; else as it is now. */
export const listQuery = (resource: Resource, any: boolean): string =>
  path(resource, { resourceVersion: any ? '0' : '' });

/**
 * A list of one object by its name, which need not exist, for the version of the list: one look-up by key. With a limit
 * instead etcd would still count all that there are.
 */
export const versionQuery = ({ path: base, isNamespaced }: Resource): string =>
  path(
    {
      path: isNamespaced ? base.replace(/[^/]+$/, 'namespaces/default/$&') : base,
      fieldSelector: 'metadata.name=kubernetes',
    },
    { resourceVersion: '' },
  );

const path = (
  { path: base, labelSelector, fieldSelector }: Pick<Resource, 'path' | 'labelSelector' | 'fieldSelector'>,
  query: Readonly<Record<string, string>>,
): string => {
  const parameters = new URLSearchParams(query);
  if (labelSelector !== undefined) parameters.set('labelSelector', labelSelector);
  if (fieldSelector !== undefined) parameters.set('fieldSelector', fieldSelector);
  return `${base}?${parameters}`;
};
