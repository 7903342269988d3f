import { readFileSync } from 'node:fs';

export const DASHBOARD_NAMES = ['fleet', 'service', 'node'] as const;

/** What tests look at in a dashboard of Grafana. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly links: readonly object[];
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly DashboardVariable[] };
  readonly panels: readonly Panel[];
}

export interface DashboardVariable {
  readonly name: string;
  readonly type: string;
  readonly query: unknown;
  readonly definition?: string;
  readonly datasource?: { readonly uid: string };
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

/** A panel that asks something. */
export interface AskingPanel extends Panel {
  readonly description: string;
  readonly datasource: { readonly uid: string };
  readonly fieldConfig: { readonly defaults: { readonly unit: string } };
  readonly targets: readonly { readonly expr: string; readonly legendFormat?: string }[];
}

export const dashboard = (name: (typeof DASHBOARD_NAMES)[number]): Dashboard =>
  JSON.parse(readFileSync(`deploy/grafana/${name}.json`, 'utf8'));

export const panelsOf = ({ panels }: Dashboard): readonly AskingPanel[] => panels.filter(asks);

const asks = (panel: Panel): panel is AskingPanel => panel.type !== 'row';
