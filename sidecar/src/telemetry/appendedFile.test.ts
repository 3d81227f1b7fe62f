import { mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createManualClock } from '../../test/support/manualClock.ts';
import { openAppendedFile } from './appendedFile.ts';

let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-'));
  path = join(folder, 'audit.log');
});

afterEach(() => rm(folder, { recursive: true }));

const text = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');

it('[OP-12] lines are added to what is there, and nobody else may read the file', async () => {
  await writeFile(path, 'before\n');
  const file = await openAppendedFile(path, createManualClock());
  await file.write('1\n');
  await file.close();
  expect(await text('audit.log')).toBe('before\n1\n');
  const other = await openAppendedFile(join(folder, 'new.log'), createManualClock());
  await other.close();
  expect((await stat(join(folder, 'new.log'))).mode & 0o007).toBe(0);
});

it('[OP-12] a file that was moved away is opened anew within a second', async () => {
  const clock = createManualClock();
  const file = await openAppendedFile(path, clock);
  await file.write('1\n');
  await rename(path, join(folder, 'audit.log.1'));
  await file.write('2\n');
  clock.advance(1000);
  await file.write('3\n');
  // The name may also have been given to another file by then.
  await rename(path, join(folder, 'audit.log.2'));
  await writeFile(path, 'new\n');
  clock.advance(1000);
  await file.write('4\n');
  await file.close();
  expect([await text('audit.log.1'), await text('audit.log.2'), await text('audit.log')]).toEqual([
    '1\n2\n',
    '3\n',
    'new\n4\n',
  ]);
});

it('[OP-12] one that was cut goes on at its beginning', async () => {
  const file = await openAppendedFile(path, createManualClock());
  await file.write('1\n');
  await truncate(path);
  await file.write('2\n');
  await file.close();
  expect(await text('audit.log')).toBe('2\n');
});

it('[OP-12] one that cannot be opened anew says so, and is opened when it can be', async () => {
  const clock = createManualClock();
  const file = await openAppendedFile(path, clock);
  await rename(folder, `${folder}-away`);
  clock.advance(1000);
  await expect(file.write('1\n')).rejects.toThrow('ENOENT');
  await rename(`${folder}-away`, folder);
  await file.write('2\n');
  await file.close();
  expect(await text('audit.log')).toBe('2\n');
});
