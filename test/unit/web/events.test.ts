import { describe, expect, test } from 'vitest';
import { EVENT_OUTCOMES } from '../../../src/dataplane/dataplane.ts';
import {
  eventQuery,
  figuresText,
  kindOf,
  lossesText,
  NO_EVENTS,
  sourceText,
  withLines,
} from '../../../src/web/events.ts';
import { EVENT, SAMPLING } from '../http/fake-view.ts';

describe('events', () => {
  test('are kept with the newest first, each with a number of its own, and not more than a hundred', () => {
    const first = withLines(NO_EVENTS, [EVENT, { ...EVENT, atMs: 2 }, SAMPLING]);
    expect(first.shown.map(({ atMs, number }) => [atMs, number])).toEqual([
      [2, 1],
      [EVENT.atMs, 0],
    ]);
    expect(first.sampling).toEqual(SAMPLING);
    const all = withLines(
      first,
      Array.from({ length: 150 }, () => EVENT),
    );
    expect(all.shown).toHaveLength(100);
    expect(all.shown[0]?.number).toBe(151);
    expect(all.sampling).toEqual(SAMPLING);
  });

  test('that are left out are said, and that none is', () => {
    const sinceMs = new Date(2026, 2, 4, 3, 12, 5).getTime();
    expect(lossesText(undefined, sinceMs)).toBe('');
    expect(lossesText({ sampling: 1, offered: 9, sampledOut: 0, dropped: 0, skipped: 0 }, sinceMs)).toBe(
      'Every event is shown. Counted since 03:12:05.',
    );
    expect(lossesText(SAMPLING, sinceMs)).toBe(
      'Of many events one in 4 is shown. 70 were not drawn. 5 found no room. 1 came faster than this page read them. ' +
        'Counted since 03:12:05.',
    );
  });

  test('that went wrong are all of those that neither began nor ended well', () => {
    const asked = new URLSearchParams(eventQuery({ outcomes: 'failed', only: '', from: '' }))
      .get('outcome')
      ?.split(',');
    expect(asked?.toSorted()).toEqual(EVENT_OUTCOMES.filter((outcome) => kindOf(outcome) === 'failed').toSorted());
    expect(EVENT_OUTCOMES.filter((outcome) => kindOf(outcome) !== 'failed')).toEqual(['established', 'closed']);
  });

  test('are asked for by Service or namespace, and by who asks', () => {
    expect(eventQuery({ outcomes: '', only: 'shop', from: '' })).toBe('namespace=shop');
    expect(eventQuery({ outcomes: 'closed', only: 'shop/cart', from: 'shop/web-1' })).toBe(
      'outcome=closed&service=shop%2Fcart&from=shop%2Fweb-1',
    );
  });

  test('say who asked, and what is known of times and bytes', () => {
    expect([sourceText(EVENT.from), sourceText({ cgroup: '7' }), sourceText({})]).toEqual([
      'shop/web-1',
      'cgroup 7',
      'unknown',
    ]);
    expect(figuresText(EVENT)).toBe('connect 42 µs, lasted 1.5 s, sent 5 B, received 11 B');
    const { bytesSent: _, bytesReceived: __, durationMs: ___, ...refused } = EVENT;
    expect(figuresText({ ...refused, outcome: 'refused' })).toBe('waited 42 µs');
  });
});
