import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockName, takeDemoLock } from './demoLock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'demo-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lockFile = (): string => join(folder, lockName);

describe('the lock of a demo', () => {
  it('refuses a second demo and says where the first one runs', () => {
    const lock = takeDemoLock(folder);
    expect(() => takeDemoLock(folder)).toThrow(`is being started already (process ${process.pid})`);
    lock.tell('http://127.0.0.1:4466/');
    expect(() => takeDemoLock(folder)).toThrow(
      `A demo of this clone runs already, at http://127.0.0.1:4466/ (process ${process.pid}): end it first, or start this one in another clone.`,
    );
    lock.release();
    takeDemoLock(folder).release();
  });

  it('takes over what a demo that is gone has left', () => {
    const { pid } = spawnSync('/bin/true');
    writeFileSync(lockFile(), JSON.stringify({ pid, startTime: '1' }));
    takeDemoLock(folder);
    expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid });
  });

  it('takes another process with the pid of one that is gone for another, and a cut-off lock for nothing', () => {
    for (const left of [JSON.stringify({ pid: process.pid, startTime: '1' }), '']) {
      writeFileSync(lockFile(), left);
      takeDemoLock(folder).release();
    }
  });
});
