import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

/** What one run of a plugin may take. */
export interface RunLimits {
  readonly timeoutMs: number;
  readonly maxStdoutBytes: number;
  readonly maxStderrBytes: number;
}

export interface PluginProcess {
  readonly provider: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly installHint?: string;
}

export interface PluginOutput {
  readonly stdout: Uint8Array;
  /** The end of stderr, redacted (EX-15). */
  readonly diagnosis: string;
}

/**
 * Runs a plugin to its end. Settles when the process is gone and nothing of its group is left.
 * @throws CodedError `plugin-not-found`, `plugin-not-executable`, `plugin-not-started` (EX-01, EX-11),
 *   `plugin-exited`, `plugin-killed` (EX-10), `plugin-output-too-large` (EX-15), `plugin-timeout` (EX-29), or the
 *   signal's reason when that is aborted
 */
export type RunPlugin = (
  plugin: PluginProcess,
  limits: RunLimits,
  signal: AbortSignal,
) => Promise<PluginOutput>;

export type PluginChild = ChildProcessByStdio<null, Readable, Readable>;
