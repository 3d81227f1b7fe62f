import type { Clock } from '../foundation/clock.ts';
import type { CodedError, ErrorCode } from '../foundation/errors.ts';
import { knownSecrets } from './knownSecrets.ts';
import { createBoundedOutput, createOutputTail } from './outputBuffer.ts';
import { pluginError } from './pluginError.ts';
import { createProcessGroup } from './processGroup.ts';
import type { SendSignal } from './processGroup.ts';
import { redact } from './redact.ts';
import type { PluginChild, PluginOutput, PluginProcess, RunLimits } from './pluginProcess.ts';
import { notStarted } from './startFaults.ts';

/** How long stdout may stay open after the plugin itself has ended well, say because of a filter in its script. */
const drainMs = 1000;
/** How long to wait for a process that was killed and does not go (it hangs in the kernel). */
const abandonMs = 2000;
/** More of stderr than is shown, so that a secret is recognised before its beginning is cut off. */
const stderrLookBack = 4;

export interface PluginWatch {
  readonly plugin: PluginProcess;
  readonly limits: RunLimits;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly sendSignal: SendSignal | undefined;
}

/** From a started process to its output, or to the reason why there is none. Errors as of `RunPlugin`. */
export function awaitPlugin(
  child: PluginChild,
  { plugin, limits, signal, clock, sendSignal }: PluginWatch,
): Promise<PluginOutput> {
  return new Promise((resolve, reject) => {
    const { pid } = child;
    const group = pid === undefined ? undefined : createProcessGroup(pid, clock, sendSignal);
    const stdout = createBoundedOutput(limits.maxStdoutBytes);
    const stderr = createOutputTail(limits.maxStderrBytes * stderrLookBack);
    /** Why the run was ended from here, if it was. */
    let verdict: { readonly reason: Error } | undefined;
    let exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
    const cancels: (() => void)[] = [];

    const diagnosis = (): string =>
      lastBytes(
        redact(stderr.text(), knownSecrets(plugin.env, plugin.args, stdout.bytes())),
        limits.maxStderrBytes,
      );
    const fault = (code: ErrorCode, what: string): CodedError =>
      pluginError(code, plugin.provider, what, { diagnosis: diagnosis() });

    let isSettled = false;
    const settle = (): void => {
      if (isSettled) return;
      isSettled = true;
      for (const cancel of cancels) cancel();
      signal.removeEventListener('abort', onAbort);
      // A grandchild that still holds the pipes is not waited for (EX-29).
      group?.killRest();
      child.stdout.destroy();
      child.stderr.destroy();
      if (verdict) reject(verdict.reason);
      else if (exit?.code === 0) resolve({ stdout: stdout.bytes(), diagnosis: diagnosis() });
      else if (exit?.signal) reject(fault('plugin-killed', `the plugin was ended by ${exit.signal}`));
      else reject(fault('plugin-exited', `the plugin exited with code ${exit?.code ?? 'unknown'}`));
    };
    const end = (reason: Error): void => {
      if (verdict) return;
      verdict = { reason };
      if (exit) {
        settle();
        return;
      }
      group?.end();
      cancels.push(clock.after(abandonMs, settle));
    };
    const onAbort = (): void => {
      end(signal.reason as Error);
    };

    child.stdout.on('data', (chunk: Buffer) => {
      if (verdict || stdout.push(chunk)) return;
      child.stdout.destroy();
      end(fault('plugin-output-too-large', `the plugin wrote more than ${limits.maxStdoutBytes} bytes`));
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr.push(chunk);
    });
    child.once('error', (thrown) => {
      // Never started; an error of a later kill has a process, and its end is still to come.
      if (pid !== undefined) return;
      verdict ??= { reason: notStarted(plugin, thrown) };
      settle();
    });
    child.once('exit', (code, exitSignal) => {
      if (pid === undefined) return;
      exit = { code, signal: exitSignal };
      if (verdict) settle();
      else cancels.push(clock.after(drainMs, settle));
    });
    child.once('close', () => {
      if (exit && !verdict) settle();
    });
    signal.addEventListener('abort', onAbort, { once: true });
    cancels.push(
      clock.after(limits.timeoutMs, () => {
        end(fault('plugin-timeout', `the plugin did not answer within ${limits.timeoutMs / 1000} s`));
      }),
    );
  });
}

function lastBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  return bytes.length <= maxBytes ? text : bytes.subarray(-maxBytes).toString('utf8');
}
