import { expect, test } from 'vitest';
import { readReport } from '../../../src/dataplane/kernel/same-node/self-test.ts';

test.each([
  { what: 'nothing', text: '', checks: [], obstacle: undefined },
  {
    what: 'what passes and what fails, with why',
    text: 'ok joins-ipv4\nnot ok memory-bounded: 9 bytes: too many\nok parts\n',
    checks: [
      { name: 'joins-ipv4', failure: undefined },
      { name: 'memory-bounded', failure: '9 bytes: too many' },
      { name: 'parts', failure: undefined },
    ],
    obstacle: undefined,
  },
  {
    what: 'why it stopped, after what it had done',
    text: 'ok joins-ipv4\ncannot run: it was ended by signal 9\n',
    checks: [{ name: 'joins-ipv4', failure: undefined }],
    obstacle: 'it was ended by signal 9',
  },
  {
    what: 'no line that is cut, or that says something else',
    text: 'not ok half-cl\nok two words\nbook joins\nok',
    checks: [],
    obstacle: undefined,
  },
])('of a report it reads $what', ({ text, checks, obstacle }) => {
  expect(readReport(text)).toEqual({ checks, obstacle });
});
