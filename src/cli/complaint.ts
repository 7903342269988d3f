import type { Complaint } from '../core/model/objects.ts';
import type { Format, Style } from './style.ts';

/** As compilers print them, so that editors and CI find the place. */
export const complaintLine = ({ severity, object, path, message, origin }: Complaint, style: Style): string => {
  const place = origin === undefined ? '' : `${origin.file}:${origin.line}: `;
  // What is said about a file as a whole has its path in front already.
  const about = [object === origin?.file ? '' : object, path].filter((part) => part !== '').join(' ');
  return `${place}${style(FORMATS[severity], severity)}: ${about === '' ? '' : `${about}: `}${message}\n`;
};

const FORMATS = { error: 'red', warning: 'yellow', note: 'dim' } as const satisfies Record<
  Complaint['severity'],
  Format
>;
