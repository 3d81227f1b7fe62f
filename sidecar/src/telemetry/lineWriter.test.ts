import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { createManualClock } from '../../test/support/manualClock.ts';
import { type Log, silentLog } from '../foundation/log.ts';
import { createLineWriter, type LineTarget, toStream } from './lineWriter.ts';

/** A target of which the test says when a write is done, and whether it is. */
function start(maxCharacters = 1000) {
  const clock = createManualClock();
  const logged: string[] = [];
  const say: Log['error'] = (message, fields) =>
    logged.push(`${message} ${JSON.stringify(fields)}`) as unknown as undefined;
  const written: string[] = [];
  const waiting: { resolve(): void; reject(error: Error): void }[] = [];
  const target: LineTarget = {
    write: (text) =>
      new Promise((resolve, reject) => {
        const done = (): void => {
          written.push(text);
          resolve();
        };
        waiting.push({ resolve: done, reject });
      }),
    close: () => Promise.resolve(),
  };
  const writer = createLineWriter({
    target,
    clock,
    log: { ...silentLog, error: say, warn: say },
    describeLost: (count) => `lost ${count}\n`,
    maxCharacters,
  });
  const settle = async (how: 'written' | 'failed'): Promise<void> => {
    await turn();
    const next = waiting.shift();
    if (!next) throw new Error('nothing is being written');
    if (how === 'written') next.resolve();
    else next.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    await turn();
  };
  /** The time in which lines are gathered is over. */
  const gather = (): void => clock.advance(100);
  return { clock, writer, written, waiting, logged, settle, gather };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('[ID-30] writes at once, one after the other; what comes meanwhile and shortly after goes together, in its order', async () => {
  const { clock, writer, written, waiting, settle } = start();
  writer.write('1\n');
  writer.write('2\n');
  await turn();
  writer.write('3\n');
  await turn();
  expect(waiting).toHaveLength(1);
  await settle('written');
  clock.advance(99);
  writer.write('4\n');
  await turn();
  expect(waiting).toHaveLength(0);
  clock.advance(1);
  await settle('written');
  clock.advance(100);
  await turn();
  writer.write('5\n');
  await settle('written');
  expect(written).toEqual(['1\n2\n', '3\n4\n', '5\n']);
});

it('[ID-30] what does not fit is counted, said once in the log, and has a line where it is missing', async () => {
  const { writer, written, logged, settle, gather } = start(4);
  writer.write('1\n');
  await turn();
  for (const line of ['2\n', '3\n', '4\n', '5\n']) writer.write(line);
  await settle('written');
  gather();
  await settle('written');
  writer.write('6\n');
  gather();
  await settle('written');
  expect(written).toEqual(['1\n', 'lost 2\n2\n3\n', '6\n']);
  expect(logged).toEqual(['lines of the audit log were lost {"count":2}']);
});

it('[ID-30] what cannot be written is counted and said once; it is tried again after a second', async () => {
  const { clock, writer, written, waiting, logged, settle } = start();
  writer.write('1\n');
  await settle('failed');
  writer.write('2\n');
  await turn();
  expect(waiting).toHaveLength(0);
  clock.advance(1000);
  await settle('failed');
  writer.write('3\n');
  clock.advance(1000);
  await settle('written');
  expect(written).toEqual(['lost 2\n3\n']);
  expect(logged).toEqual([
    'the audit log cannot be written {"reason":"ENOSPC"}',
    'lines of the audit log were lost {"count":2}',
  ]);
});

it('[OP-12] what waits is written at the end, but nothing waits for a target that hangs', async () => {
  const { clock, writer, written, logged, settle } = start();
  writer.write('1\n');
  await turn();
  writer.write('2\n');
  const closed = writer.close();
  await settle('written');
  await settle('written');
  await closed;
  expect(written).toEqual(['1\n', '2\n']);

  const hanging = start();
  hanging.writer.write('1\n');
  await turn();
  hanging.writer.write('2\n');
  const ended = hanging.writer.close();
  hanging.clock.advance(2000);
  await ended;
  expect(hanging.logged).toEqual(['lines of the audit log were lost {"count":1}']);
  expect([clock.pending, logged]).toEqual([0, []]);
});

it('[OP-12] a stream takes the lines and stays open', async () => {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done(chunks.length > 1 ? new Error('full') : null);
    },
  });
  stream.on('error', () => undefined);
  const target = toStream(stream);
  await target.write('1\n');
  await target.close();
  expect([chunks, stream.writable]).toEqual([['1\n'], true]);
  await expect(target.write('2\n')).rejects.toThrow('full');
});
