import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPageDoor, type PageDoor } from '../../../src/demo/page-door.ts';

let directory: string;
let path: string;
let door: PageDoor;
let server: Server;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'shunt-door-'));
  path = join(directory, 'page.sock');
  door = await openPageDoor(path);
  server = createServer((request, response) => response.end(`${request.headers.host} ${request.url}`));
});

afterEach(async () => {
  await door[Symbol.asyncDispose]();
  server.close();
  rmSync(directory, { recursive: true });
});

const listen = (): Promise<void> => new Promise((resolve) => server.listen(path, resolve));

test('the door of the demo leads from the loopback to the page of an agent, also of one that comes later', async () => {
  expect(door.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  await expect(fetch(door.url)).rejects.toThrow('fetch failed');
  await listen();
  expect(await (await fetch(`${door.url}main.js`)).text()).toBe(`${new URL(door.url).host} /main.js`);
});

test('two doors are at two addresses', async () => {
  const other = await openPageDoor(path);
  expect(other.url).not.toBe(door.url);
  await other[Symbol.asyncDispose]();
});

test('a door that is closed cuts what goes through it', async () => {
  await listen();
  server.removeAllListeners('request').on('request', (_, response) => response.write('more'));
  const answer = await fetch(door.url);
  await door[Symbol.asyncDispose]();
  await expect(fetch(door.url)).rejects.toThrow('fetch failed');
  await answer.text().catch(() => {});
});
