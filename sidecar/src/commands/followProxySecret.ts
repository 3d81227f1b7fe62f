import type { Clock } from '../foundation/clock.ts';
import { CodedError } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';
import { type ConfigFile, followConfigFile } from './configFile.ts';

const leastLength = 16;

export function proxySecretAt(path: string): ConfigFile<string> {
  return { path, what: 'secret of the proxy', code: 'options-invalid', parse: parseSecret };
}

/** @throws CodedError whose message follows the file's name */
function parseSecret(content: string): string {
  const secret = content.replace(/\r?\n$/, '');
  if (!/^[\x21-\x7e]*$/.test(secret))
    throw new CodedError('options-invalid', 'holds more than one line of plain characters without spaces');
  if (secret.length < leastLength)
    throw new CodedError('options-invalid', `holds less than ${leastLength} characters`);
  return secret;
}

/**
 * What an authenticating proxy proves itself by, at start and when its file changes (ID-02).
 * @throws CodedError `options-invalid` at start
 */
export async function followProxySecret(
  path: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<{ readonly secret: () => string; end(): void }> {
  let secret = '';
  const followed = await followConfigFile(proxySecretAt(path), {
    clock,
    log,
    onChange(next) {
      secret = next;
    },
  });
  secret = followed.content;
  return {
    secret: () => secret,
    end: () => {
      followed.end();
    },
  };
}
