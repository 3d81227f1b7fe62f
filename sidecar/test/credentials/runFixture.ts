import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/foundation/clock.ts';
import type { PluginOutput, PluginProcess, RunLimits } from '../../src/credentials/pluginProcess.ts';
import { createRunPlugin } from '../../src/credentials/runPlugin.ts';

export const pluginFolder = fileURLToPath(new URL('../fixtures/plugins/', import.meta.url));

/** What a run of the fixture wrote down about itself. */
export interface RunRecord {
  readonly pid: number;
  readonly args: readonly string[];
  readonly execInfo: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  readonly grandchild?: number;
}

export interface Fixture {
  readonly folder: string;
  /** PATH with the Node that runs the tests first: the fixture's first line asks for it. */
  readonly path: string;
  readonly logFile: string;
  /** The runs so far, in their order. */
  records(): readonly RunRecord[];
  run(options?: {
    readonly plugin?: Partial<PluginProcess>;
    readonly env?: Readonly<Record<string, string>>;
    readonly limits?: Partial<RunLimits>;
    readonly signal?: AbortSignal;
    readonly searchPath?: string;
  }): Promise<PluginOutput>;
  remove(): Promise<void>;
}

export async function createFixture(): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), 'credential-plugin-'));
  const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  const logFile = join(folder, 'runs.jsonl');
  return {
    folder,
    path,
    logFile,
    records() {
      let text = '';
      try {
        text = readFileSync(logFile, 'utf8');
      } catch {
        // Nothing has run yet.
      }
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as RunRecord);
    },
    run: ({ plugin, env, limits, signal, searchPath } = {}) =>
      createRunPlugin({ clock: systemClock, searchPath: searchPath ?? path })(
        {
          provider: 'example',
          command: join(pluginFolder, 'plugin.mjs'),
          args: [],
          env: { PATH: path, PLUGIN_LOG: logFile, ...env },
          ...plugin,
        },
        { timeoutMs: 20_000, maxStdoutBytes: 1024 * 1024, maxStderrBytes: 4096, ...limits },
        signal ?? new AbortController().signal,
      ),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Whether a process still runs; one that ended and was not yet waited for does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
