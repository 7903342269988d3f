import type { Complaint, ObjectRef } from '../model/objects.ts';

/** What is said about an object that was read: its parts are right, but not all of them can be programmed. */
export const complaintAbout = (
  object: ObjectRef,
  severity: Complaint['severity'],
  path: string,
  message: string,
): Complaint => ({ severity, object: objectText(object), path, message });

/** `Service shop/cart`, `Node worker-1`: how messages name an object. */
export const objectText = ({ kind, namespace, name }: ObjectRef): string =>
  namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;

/** What is said of an object as a whole is said where it begins. */
export const placed = (complaint: Complaint, origin: Complaint['origin']): Complaint =>
  origin === undefined || complaint.origin !== undefined ? complaint : { ...complaint, origin };
