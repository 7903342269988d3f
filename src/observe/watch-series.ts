import type { ObservedWatch } from './observed.ts';
import { METRICS, type Metric } from './registry.ts';
import { headText, labelText, numberText } from './series-text.ts';

/** The watches of a source, each with the name of its resource; nothing when the source has none. */
export const watchSeries = (watches: readonly ObservedWatch[], nowMs: number): string => {
  if (watches.length === 0) return '';
  let text = '';
  const gauge = (metric: Metric, read: (watch: ObservedWatch) => number | undefined): void => {
    text += headText(metric);
    for (const watch of watches) {
      const value = read(watch);
      if (value !== undefined) text += `${metric.name}{${labels(metric, watch.resource)}} ${numberText(value)}\n`;
    }
  };
  const counts = (metric: Metric, read: (watch: ObservedWatch) => Readonly<Record<string, number>>): void => {
    text += headText(metric);
    for (const watch of watches) {
      for (const [why, count] of Object.entries(read(watch))) {
        text += `${metric.name}{${labels(metric, watch.resource, why)}} ${numberText(count)}\n`;
      }
    }
  };
  gauge(METRICS.watchSynced, ({ synced }) => (synced ? 1 : 0));
  gauge(METRICS.watchObjects, ({ objects }) => objects);
  gauge(METRICS.watchEventAge, ({ lastEventAtMs }) => ageS(lastEventAtMs, nowMs));
  gauge(METRICS.watchBookmarkAge, ({ lastBookmarkAtMs }) => ageS(lastBookmarkAtMs, nowMs));
  counts(METRICS.watchSyncs, ({ syncs }) => syncs);
  counts(METRICS.watchReconnects, ({ reconnects }) => reconnects);
  gauge(METRICS.watchBadLines, ({ badLines }) => badLines);
  gauge(METRICS.watchWaiting, ({ waiting }) => waiting);
  return text;
};

const labels = ({ labels: names }: Metric, ...values: readonly string[]): string =>
  labelText(values.map((value, index) => [names[index] ?? '', value] as const));

const ageS = (atMs: number | undefined, nowMs: number): number | undefined =>
  atMs === undefined ? undefined : Math.max(0, nowMs - atMs) / 1000;
