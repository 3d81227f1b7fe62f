import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Clock } from '../foundation/clock.ts';
import type { LineTarget } from './lineWriter.ts';

const lookIntervalMs = 1000;

/**
 * A file that lines are added to. Who rotates it moves it away: within a second it is opened anew under its name. It
 * may also be cut.
 * @throws the error of the system, where it cannot be opened
 */
export async function openAppendedFile(path: string, clock: Clock): Promise<LineTarget> {
  const openFile = (): Promise<FileHandle> => open(path, 'a', 0o640);
  let file = await openFile();
  let lookedAt = clock.now();
  /** A write that failed left part of a line. */
  let isTorn = false;

  const isMoved = async (): Promise<boolean> => {
    const [named, opened] = await Promise.all([stat(path).catch(() => undefined), file.stat()]);
    return named?.ino !== opened.ino || named.dev !== opened.dev;
  };

  return {
    async write(text) {
      if (Math.abs(clock.now() - lookedAt) >= lookIntervalMs) {
        if (await isMoved()) {
          const next = await openFile();
          await file.close();
          file = next;
          isTorn = false;
        }
        lookedAt = clock.now();
      }
      const bytes = Buffer.from(isTorn ? `\n${text}` : text);
      let written = 0;
      try {
        while (written < bytes.length) {
          const { bytesWritten } = await file.write(bytes, written);
          written += bytesWritten;
        }
        isTorn = false;
      } catch (thrown) {
        if (written > 0) isTorn = true;
        throw thrown;
      }
    },
    close: () => file.close(),
  };
}
