import { expect, test } from 'vitest';
import { answer } from '../ask.ts';
import { fakeView } from '../fake-view.ts';
import { servePage } from '../serve-page.ts';

test('complaints are the worst hundred', async () => {
  const complaint = (severity: 'error' | 'warning' | 'note') => ({
    severity,
    object: 'Service a/b',
    path: '',
    message: 'm',
  });
  const complaints = () => [
    ...Array.from({ length: 200 }, () => complaint('note')),
    complaint('error'),
    complaint('warning'),
  ];
  const { complaints: shown } = await answer(await servePage(fakeView({ complaints })), '/api/complaints');
  expect(shown.map(({ severity }: { severity: string }) => severity).slice(0, 3)).toEqual(['error', 'warning', 'note']);
  expect(shown).toHaveLength(100);
});
