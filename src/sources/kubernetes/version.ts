/**
 * Compares two resource versions as numbers; undefined when one is none. Since Kubernetes 1.35 they are defined to be
 * comparable (KEP-5504), and before that they always were, for types that the API server itself keeps.
 */
export const compareVersions = (a: string, b: string): number | undefined => {
  if (!DECIMAL.test(a) || !DECIMAL.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
};

export const isOlder = (version: string, than: string): boolean => (compareVersions(version, than) ?? 0) < 0;

const DECIMAL = /^[1-9]\d*$/;
