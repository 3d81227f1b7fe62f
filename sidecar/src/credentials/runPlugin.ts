import { spawn as spawnProcess } from 'node:child_process';
import type { SpawnOptions } from 'node:child_process';
import type { Clock } from '../foundation/clock.ts';
import { awaitPlugin } from './awaitPlugin.ts';
import type { PluginChild, RunPlugin } from './pluginProcess.ts';
import type { SendSignal } from './processGroup.ts';
import { resolveCommand } from './resolveCommand.ts';
import { notExecutable, notFound, notStarted } from './startFaults.ts';

export interface RunPluginOptions {
  readonly clock: Clock;
  /** PATH of this process, on which commands without a slash are looked up (EX-01). */
  readonly searchPath: string | undefined;
  readonly spawn?: (file: string, args: readonly string[], options: SpawnOptions) => PluginChild;
  readonly sendSignal?: SendSignal;
}

const spawnPiped: NonNullable<RunPluginOptions['spawn']> = (file, args, options) =>
  spawnProcess(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });

export function createRunPlugin({
  clock,
  searchPath,
  spawn = spawnPiped,
  sendSignal,
}: RunPluginOptions): RunPlugin {
  return async (plugin, limits, signal) => {
    signal.throwIfAborted();
    const resolved = await resolveCommand(plugin.command, searchPath);
    if (resolved === 'not-found') throw notFound(plugin);
    if (typeof resolved === 'string') throw notExecutable(plugin, resolved === 'no-interpreter-line');
    signal.throwIfAborted();
    let child: PluginChild;
    try {
      // Detached: the leader of a process group of its own, which can be ended as a whole (EX-29).
      child = spawn(resolved.file, plugin.args, {
        argv0: plugin.command,
        env: plugin.env,
        detached: true,
        shell: false,
      });
    } catch (thrown) {
      // E2BIG, or a zero byte in an argument or in the environment: spawn throws these, it does not emit them.
      throw notStarted(plugin, thrown);
    }
    return await awaitPlugin(child, { plugin, limits, signal, clock, sendSignal });
  };
}
