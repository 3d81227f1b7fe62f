import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { spawnGroup } from '../bootstrap/processGroups.mjs';
import { goFlags, linkerFlags } from './partsCatalogue.mjs';
import type { Progress } from './progress.ts';

export interface GoTool {
  /** undefined where there is no Go at all; e.g. `1.26.8`. */
  readVersion(): Promise<string | undefined>;
  /** Builds a package into a file, telling which package is being compiled. */
  build(packagePath: string, output: string, progress: Progress): Promise<void>;
  /** The folder of a module in the module cache, downloaded if need be. */
  findModule(module: string, progress: Progress): Promise<string>;
}

/** Go, run in the folder of the pinned module. GOTOOLCHAIN and the caches stay as the user has them. */
export function createGoTool(folder: string, environment: NodeJS.ProcessEnv): GoTool {
  const env = { ...environment, CGO_ENABLED: '0', GOFLAGS: goFlags.join(' '), GOWORK: 'off' };

  const run = async (args: readonly string[], onLine: Progress): Promise<string> => {
    const child = spawnGroup('go', args, 'pipe', { cwd: folder, env });
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const last: string[] = [];
    if (child.stderr) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        last.push(line);
        if (last.length > 15) last.shift();
        onLine(line);
      });
    }
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`go ${args[0]} failed:\n${last.join('\n')}`);
    return output;
  };

  return {
    readVersion: async () => {
      try {
        return /go(\d+\.\d+[^ ]*)/.exec(await run(['version'], () => undefined))?.[1];
      } catch {
        return undefined;
      }
    },
    build: async (packagePath, output, progress) => {
      let count = 0;
      await run(['build', '-v', '-ldflags', linkerFlags, '-o', output, packagePath], (line) => {
        if (line.startsWith('go: downloading ')) return progress(line.slice('go: '.length));
        count += 1;
        progress(`compiling ${line} (${count})`);
      });
    },
    findModule: async (module, progress) => {
      const answer: unknown = JSON.parse(await run(['mod', 'download', '-json', module], progress));
      if (typeof answer !== 'object' || answer === null || !('Dir' in answer)) {
        throw new Error(`go mod download ${module} names no folder`);
      }
      return String(answer.Dir);
    },
  };
}
