import { readFile } from 'node:fs/promises';
import { parseProviderFile, type ProviderFile } from '../config/providerFile.ts';
import { watchFileText } from '../config/watchedFile.ts';
import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';

const lookIntervalMs = 1000;

/**
 * The provider file at start, and each valid change of it; an invalid one is reported and the last good one stays
 * (AC-02, AC-03). @throws CodedError `provider-file-invalid` that names the file
 */
export async function followProviderFile(
  path: string,
  {
    clock,
    log,
    onChange,
  }: { readonly clock: Clock; readonly log: Log; readonly onChange: (file: ProviderFile) => void },
): Promise<{ readonly file: ProviderFile; end(): void }> {
  const initialText = await readFile(path, 'utf8').catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EISDIR'
          ? 'is a directory'
          : `cannot be read (${code ?? 'unknown'})`;
    throw new CodedError('provider-file-invalid', `the provider file ${path} ${why}`, { cause });
  });
  const parse = (text: string): ProviderFile => {
    try {
      const file = parseProviderFile(text);
      for (const { name, fault } of file.disabled)
        log.warn('a provider is disabled', { provider: name, fault });
      return file;
    } catch (thrown) {
      throw new CodedError(
        'provider-file-invalid',
        `the provider file ${path} ${asCodedError(thrown).message}`,
        { cause: thrown },
      );
    }
  };
  const file = parse(initialText);
  const end = watchFileText({
    path,
    clock,
    intervalMs: lookIntervalMs,
    initialText,
    onChange(text) {
      try {
        if (text === undefined)
          throw new CodedError('provider-file-invalid', `the provider file ${path} cannot be read`);
        onChange(parse(text));
        log.info('the provider file changed');
      } catch (thrown) {
        log.error('the provider file is not usable, the last good one stays', {
          reason: asCodedError(thrown).message,
        });
      }
    },
  });
  return { file, end };
}
