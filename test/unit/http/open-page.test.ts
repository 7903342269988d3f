import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { EventQueue } from '../../../src/agent/event-queue.ts';
import { openPage } from '../../../src/http/open-page.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { fakeView, serviceView } from './fake-view.ts';
import { FILES } from './serve-page.ts';

test('an agent that stops closes its page with every stream, and forgets its history', async () => {
  const clock = new ManualClock();
  const onBug = vi.fn();
  const queue = new EventQueue(() => {});
  const view = fakeView({ events: () => queue, services: () => [serviceView()] });
  const directory = mkdtempSync(join(tmpdir(), 'shunt-page-'));
  const path = join(directory, 'page.sock');
  const page = await openPage(
    { path },
    { view: () => view, clock, node: 'n', version: '1', onBug, onFailure: onBug, files: FILES },
  );
  expect(page.address).toBe(path);
  const sent = request({ socketPath: path, path: '/api/events', headers: { host: 'localhost' } });
  const ended = new Promise<void>((resolve) => {
    sent.on('response', (response) => response.resume().on('close', resolve)).on('error', () => resolve());
  });
  await new Promise<void>((resolve) => sent.on('response', () => resolve()).end());
  await clock.advance(0);
  expect(clock.waiting).toBeGreaterThan(0);
  await page.close();
  await ended;
  expect(clock.waiting).toBe(0);
  expect(onBug).not.toHaveBeenCalled();
  rmSync(directory, { recursive: true });
});
