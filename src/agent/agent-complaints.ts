import { placed } from '../core/desire/complaint.ts';
import type { Complaint } from '../core/model/objects.ts';
import type { Source } from '../sources/source.ts';
import type { AgentObserver } from './agent-options.ts';
import { newComplaints } from './complaints.ts';
import type { Reconciler } from './reconciler.ts';

export interface AgentComplaintsOptions {
  readonly source: Pick<Source, 'originOf'>;
  readonly ofObjects: Pick<Reconciler, 'complaints' | 'takeFreshComplaints'>;
  /** About this node, as of now. */
  readonly ofNode: () => readonly Complaint[];
  readonly onComplaints: AgentObserver['onComplaints'];
}

/** All that there is to complain about, and what of it was told. */
export class AgentComplaints {
  ofSource: readonly Complaint[] = [];
  readonly #options: AgentComplaintsOptions;
  #toldOfSource: readonly Complaint[] = [];
  #toldOfNode: readonly Complaint[] = [];

  constructor(options: AgentComplaintsOptions) {
    this.#options = options;
  }

  all(): readonly Complaint[] {
    const { ofObjects, ofNode } = this.#options;
    return [...this.ofSource, ...this.#placed([...ofObjects.complaints(), ...ofNode()])];
  }

  /** Those that were not there before. */
  tell(): void {
    const { ofObjects, onComplaints } = this.#options;
    const ofSource = newComplaints(this.#toldOfSource, this.ofSource);
    this.#toldOfSource = this.ofSource;
    const now = this.#options.ofNode();
    const ofNode = newComplaints(this.#toldOfNode, now);
    this.#toldOfNode = now;
    const fresh = [...ofSource, ...this.#placed([...ofObjects.takeFreshComplaints(), ...ofNode])];
    if (fresh.length > 0) onComplaints(fresh);
  }

  /** What follows from several objects is known to no reader of one. */
  #placed(complaints: readonly Complaint[]): readonly Complaint[] {
    const { source } = this.#options;
    return complaints.map((complaint) => placed(complaint, source.originOf?.(complaint.object)));
  }
}
