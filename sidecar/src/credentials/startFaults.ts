import type { CodedError } from '../foundation/errors.ts';
import { pluginError } from './pluginError.ts';
import type { PluginProcess } from './pluginProcess.ts';

/** EX-11: how to get the plugin is part of the message, as text. */
export function notFound({ provider, command, installHint }: PluginProcess): CodedError {
  const hint = installHint === undefined ? '' : `. ${installHint}`;
  return pluginError(
    'plugin-not-found',
    provider,
    `its command "${baseName(command)}" is not installed here${hint}`,
  );
}

export function notExecutable({ provider, command }: PluginProcess, isBareText: boolean): CodedError {
  const why = isBareText ? ' (a script needs a first line that names its interpreter)' : '';
  return pluginError(
    'plugin-not-executable',
    provider,
    `its command "${baseName(command)}" cannot be executed${why}`,
  );
}

/** The thrown error is not the cause: Node puts the arguments and a piece of the environment into it. */
export function notStarted(plugin: PluginProcess, thrown: unknown): CodedError {
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return notExecutable(plugin, false);
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'the interpreter or loader that it asks for is not installed',
    E2BIG: 'its arguments and environment are too large',
    ERR_INVALID_ARG_VALUE: 'its arguments or environment hold a zero byte',
  };
  const what = words[code ?? ''] ?? `the system says ${code ?? 'no more'}`;
  return pluginError('plugin-not-started', plugin.provider, `its plugin could not be started: ${what}`);
}

/** A message names no path. */
function baseName(command: string): string {
  return command.slice(command.lastIndexOf('/') + 1);
}
