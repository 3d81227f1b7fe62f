import { readFile } from 'node:fs/promises';
import { type AccessPolicyFile, parseAccessPolicyFile } from '../config/accessPolicyFile.ts';
import { parseProviderFile, type ProviderFile } from '../config/providerFile.ts';
import { watchFileText } from '../config/watchedFile.ts';
import type { Clock } from '../foundation/clock.ts';
import { asCodedError, CodedError, type ErrorCode } from '../foundation/errors.ts';
import type { Log } from '../foundation/log.ts';

const lookIntervalMs = 1000;

/** A file that the process is told by. */
export interface ConfigFile<Content> {
  readonly path: string;
  /** What it is, for messages. */
  readonly what: string;
  readonly code: ErrorCode;
  /** @throws CodedError whose message follows the file's name */
  readonly parse: (text: string) => Content;
}

export function providerFileAt(path: string): ConfigFile<ProviderFile> {
  return { path, what: 'provider file', code: 'provider-file-invalid', parse: parseProviderFile };
}

export function accessPolicyAt(path: string): ConfigFile<AccessPolicyFile> {
  return { path, what: 'access policy', code: 'access-policy-invalid', parse: parseAccessPolicyFile };
}

/** @throws CodedError of the file's code, which names the file */
export async function readConfigFile<Content>(
  file: ConfigFile<Content>,
): Promise<{ readonly text: string; readonly content: Content }> {
  const { path, what, code } = file;
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const { code: reason } = cause as NodeJS.ErrnoException;
    const why =
      reason === 'ENOENT'
        ? 'does not exist'
        : reason === 'EISDIR'
          ? 'is a directory'
          : `cannot be read (${reason ?? 'unknown'})`;
    throw new CodedError(code, `the ${what} ${path} ${why}`, { cause });
  });
  return { text, content: parseConfigFile(file, text) };
}

function parseConfigFile<Content>({ path, what, code, parse }: ConfigFile<Content>, text: string): Content {
  try {
    return parse(text);
  } catch (thrown) {
    throw new CodedError(code, `the ${what} ${path} ${asCodedError(thrown).message}`, { cause: thrown });
  }
}

export interface FollowOptions<Content> {
  readonly clock: Clock;
  readonly log: Log;
  /** Each valid change, not the content at start. */
  readonly onChange: (content: Content) => void;
}

/**
 * A file at start, and each valid change of it; an invalid one is reported and the last good one stays (AC-02, AC-03).
 * @throws CodedError of the file's code, at start
 */
export async function followConfigFile<Content>(
  file: ConfigFile<Content>,
  { clock, log, onChange }: FollowOptions<Content>,
): Promise<{ readonly content: Content; end(): void }> {
  const { path, what, code } = file;
  const { text: initialText, content } = await readConfigFile(file);
  const end = watchFileText({
    path,
    clock,
    intervalMs: lookIntervalMs,
    initialText,
    onChange(text) {
      try {
        if (text === undefined) throw new CodedError(code, `the ${what} ${path} cannot be read`);
        onChange(parseConfigFile(file, text));
        log.info(`the ${what} changed`);
      } catch (thrown) {
        log.error(`the ${what} is not usable, the last good one stays`, {
          reason: asCodedError(thrown).message,
        });
      }
    },
  });
  return { content, end };
}
