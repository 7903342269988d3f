import type { Complaint, ServiceObject } from '../model/objects.ts';
import { complaintAbout } from './complaint.ts';

/** The only node whose endpoints may answer (`internalTrafficPolicy: Local`); undefined when any may. */
export const onlyNodeOf = (service: ServiceObject, nodeName: string): string | undefined =>
  service.internalTrafficPolicy === 'Local' && nodeName !== '' ? nodeName : undefined;

/**
 * Without a node name nothing is known to be local, and refusing every connection would be worse than crossing nodes:
 * the Service is then treated as Cluster, and says so.
 */
export const internalPolicyComplaint = (service: ServiceObject, nodeName: string): Complaint | undefined =>
  service.internalTrafficPolicy === 'Local' && nodeName === ''
    ? complaintAbout(
        service,
        'warning',
        'spec.internalTrafficPolicy',
        'Local is not honoured: the name of this node is not known, so endpoints of every node are used',
      )
    : undefined;
