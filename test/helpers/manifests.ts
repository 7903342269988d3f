import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { helm, kubectl } from './cluster-tools.ts';

/** A Kubernetes object as it was rendered. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export const kustomization = (path: string): readonly Manifest[] => parse(kubectl(['kustomize', path]));

/** Of the base, with more in its `kustomization.yaml`, as a user would write one. */
export const overlay = (content: { readonly components?: readonly string[]; readonly namespace?: string }) => {
  mkdirSync('build', { recursive: true });
  const directory = mkdtempSync(resolve('build/kustomize-'));
  try {
    const components = (content.components ?? []).map((name) => `../../deploy/kustomize/components/${name}`);
    const whole = { resources: ['../../deploy/kustomize/base'], ...content, components };
    writeFileSync(join(directory, 'kustomization.yaml'), JSON.stringify(whole));
    return kustomization(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

/** The chart's objects, as `helm install --namespace kube-system` would make them. */
export const chart = (values: Values = {}): readonly Manifest[] =>
  parse(helm(['template', 'shunt', 'deploy/helm/shunt', '--namespace', 'kube-system', ...setAll(values)]));

export type Values = Readonly<Record<string, unknown>>;

/** Flags of helm; names may have dots. */
export const setAll = (values: Values): readonly string[] =>
  Object.entries(values).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);

export const parse = (text: string): readonly Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);

export const find = <T extends Manifest = Manifest>(
  manifests: readonly Manifest[],
  kind: string,
  name = 'shunt',
): T => {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found as T;
};

/** What tests look at in a DaemonSet. */
export interface DaemonSet extends Manifest {
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly updateStrategy: { readonly type: string; readonly rollingUpdate: { readonly maxUnavailable: string } };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations?: object };
      readonly spec: PodSpec;
    };
  };
}

export interface PodSpec {
  readonly [field: string]: unknown;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes: readonly Volume[];
  readonly securityContext: SecurityContext;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly Variable[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly resources?: { readonly requests: Amounts; readonly limits: Amounts };
  readonly securityContext: SecurityContext;
  readonly volumeMounts?: readonly VolumeMount[];
}

export interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
}

export interface SecurityContext {
  readonly [field: string]: unknown;
  readonly allowPrivilegeEscalation?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
  readonly mountPropagation?: string;
}

export interface Volume {
  readonly name: string;
  readonly hostPath?: { readonly path: string; readonly type: string };
  readonly emptyDir?: { readonly medium: string; readonly sizeLimit: string };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string | number; readonly host?: string };
}

type Amounts = Readonly<Record<string, string>>;

export const agentOf = (manifests: readonly Manifest[]): Container => {
  const [container] = find<DaemonSet>(manifests, 'DaemonSet').spec.template.spec.containers;
  if (container === undefined) throw new Error('the DaemonSet has no container');
  return container;
};
