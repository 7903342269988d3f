/** The cluster of the demo: two applications behind Services, and one Service that nothing is behind. */
export const NAMESPACE = 'demo';
export const NODE_NAME = 'demo-node';

export interface DemoService {
  readonly name: string;
  readonly address4: string;
  readonly address6: string;
  readonly port: number;
  /** What its endpoints listen on. */
  readonly targetPort: number;
}

export const REGISTER: DemoService = {
  name: 'register',
  address4: '10.96.0.2',
  address6: 'fd00:10:96::2',
  port: 80,
  targetPort: 8080,
};

export const LOGIN: DemoService = {
  name: 'login',
  address4: '10.96.0.3',
  address6: 'fd00:10:96::3',
  port: 80,
  targetPort: 9080,
};

export const BILLING: DemoService = {
  name: 'billing',
  address4: '10.96.0.4',
  address6: 'fd00:10:96::4',
  port: 80,
  targetPort: 7080,
};

export const VERSIONS = ['v1', 'v2'] as const;
export type Version = (typeof VERSIONS)[number];

export const podName = ({ name }: DemoService, version: Version): string => `${name}-${version}-1`;
