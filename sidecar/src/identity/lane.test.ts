import { expect, it } from 'vitest';
import { createLane } from './lane.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const lane = createLane({ concurrent: 2, waiting: 2 }, () => new Error('too many'));
  const started: string[] = [];
  const ends = new Map<string, { resolve: (value: string) => void; reject: (error: Error) => void }>();
  const run = (name: string): Promise<string> =>
    lane(() => {
      started.push(name);
      return new Promise((resolve, reject) => ends.set(name, { resolve, reject }));
    });
  return { run, started, ends };
}

it('runs some at once, the others in their order, and refuses those beyond', async () => {
  const { run, started, ends } = setUp();
  const tasks = ['a', 'b', 'c', 'd'].map(run);
  await settle();
  expect(started).toEqual(['a', 'b']);
  await expect(run('e')).rejects.toThrow('too many');
  ends.get('b')?.resolve('b done');
  expect(await tasks[1]).toBe('b done');
  await settle();
  expect(started).toEqual(['a', 'b', 'c']);
  const late = run('f');
  await settle();
  expect(started).toEqual(['a', 'b', 'c']);
  ends.get('a')?.resolve('');
  ends.get('c')?.resolve('');
  await settle();
  expect(started).toEqual(['a', 'b', 'c', 'd', 'f']);
  ends.get('d')?.resolve('');
  ends.get('f')?.resolve('f done');
  expect(await late).toBe('f done');
});

it('a task that fails hands its place on', async () => {
  const { run, started, ends } = setUp();
  const [first, second, third] = ['a', 'b', 'c'].map(run);
  await settle();
  ends.get('a')?.reject(new Error('a failed'));
  await expect(first).rejects.toThrow('a failed');
  ends.get('b')?.resolve('');
  await second;
  await settle();
  expect(started).toEqual(['a', 'b', 'c']);
  ends.get('c')?.resolve('c done');
  expect(await third).toBe('c done');
  void run('d');
  void run('e');
  await settle();
  expect(started.slice(3)).toEqual(['d', 'e']);
});
