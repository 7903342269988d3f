import { expect, test } from 'vitest';
import { minutesOf } from '../../../src/web/minutes.ts';
import type { SeriesName } from '../../../src/web/wire.ts';

test('charts as a table are means of each minute, the last one first, without what nobody saw', () => {
  const nothing = Array.from({ length: 180 }, () => null);
  const connections = Array.from({ length: 180 }, (_, step) => (step < 150 ? null : step < 168 ? 2 : step - 168));
  const names: readonly SeriesName[] = [
    'failed',
    'rejected',
    'datagrams',
    'sent',
    'received',
    'connectP50Us',
    'connectP99Us',
  ];
  const rest = Object.fromEntries(names.map((name) => [name, nothing]));
  const series = { ...rest, connections } as Record<SeriesName, (number | null)[]>;
  expect(minutesOf(series, 5000)).toEqual([
    { back: 1, values: { connections: 5.5 } },
    { back: 2, values: { connections: 2 } },
    { back: 3, values: { connections: 2 } },
  ]);
});
