export interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  /** As the values are; counts have none. */
  readonly unit: 'seconds' | 'bytes' | '';
  readonly labels: readonly string[];
  readonly help: string;
}

/** By the names that the code gives them, in the order of the documentation. */
export type MetricTable = Readonly<Record<string, Metric>>;
