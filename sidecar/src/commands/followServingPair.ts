import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { watchFileText } from '../config/watchedFile.ts';
import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import type { ServingPair } from '../server/createListener.ts';

const lookIntervalMs = 1000;

export interface ServingPairFiles {
  readonly certificatePath: string;
  readonly keyPath: string;
}

export interface ServingPairFollower {
  readonly clock: Clock;
  readonly log: Log;
  /** A pair that fits, other than the one before. */
  readonly onChange: (pair: ServingPair) => void;
}

/**
 * The certificate that is served, at start and when its files change (OP-25). Between the change of the one file and
 * that of the other they do not fit: the last pair that did stays.
 * @throws CodedError `tls-pair-invalid` at start
 */
export async function followServingPair(
  { certificatePath, keyPath }: ServingPairFiles,
  { clock, log, onChange }: ServingPairFollower,
): Promise<{ readonly pair: ServingPair; end(): void }> {
  const read = async (): Promise<ServingPair> => {
    try {
      const [certificate, key] = await Promise.all([
        readFile(certificatePath, 'utf8'),
        readFile(keyPath, 'utf8'),
      ]);
      createSecureContext({ cert: certificate, key });
      return { certificate, key };
    } catch (cause) {
      throw new CodedError(
        'tls-pair-invalid',
        `${certificatePath} and ${keyPath} are not a certificate and its key`,
        { cause },
      );
    }
  };
  const pair = await read();
  const reload = async (): Promise<void> => {
    try {
      onChange(await read());
    } catch (thrown) {
      log.warn('the serving certificate stays as it is', { reason: (thrown as Error).message });
    }
  };
  const watches = [
    { path: certificatePath, initialText: pair.certificate },
    { path: keyPath, initialText: pair.key },
  ].map((file) =>
    watchFileText({ ...file, clock, intervalMs: lookIntervalMs, onChange: () => void reload() }),
  );
  return {
    pair,
    end() {
      for (const endWatch of watches) endWatch();
    },
  };
}
