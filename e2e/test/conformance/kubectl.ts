import { spawn } from 'node:child_process';
import type { Scene, Way } from './scene.ts';

export interface Outcome {
  /** Null of one that was ended here. */
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  /** Ends kubectl once its output satisfies this: for what does not end by itself. */
  readonly isEnough?: ((output: string) => boolean) | undefined;
  /** Called once, when it has written something, or has ended. */
  readonly onBegun?: (() => void) | undefined;
}

export interface Running {
  /** What it has written once this is in it. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Outcome>;
  end(): void;
}

const deadlineMs = 60_000;

/**
 * A server begins a WebSocket for streams with an empty message, and kubectl logs it where it comes before kubectl has
 * made its streams: it reads already. Which of them is first is chance, straight as through the sidecar.
 */
const earlyNotice = /^E\d{4} .* websocket\.go:\d+\] Unknown stream id 1, discarding message\n/gm;

export function startKubectl(
  { kubectl, folder }: Scene,
  { kubeconfigFile }: Way,
  args: readonly string[],
  { env, input, isEnough, onBegun }: RunOptions = {},
): Running {
  const child = spawn(kubectl, [`--cache-dir=${kubeconfigFile}.cache`, ...args], {
    cwd: folder,
    env: { KUBECONFIG: kubeconfigFile, HOME: folder, PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  let stderr = '';
  const output = (): string => Buffer.concat(stdout).toString('latin1');
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const each of waiting) each();
  };
  let isEndedHere = false;
  const end = (): void => {
    isEndedHere = true;
    child.kill('SIGTERM');
  };
  const deadline = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    wake();
    onBegun?.();
    if (isEnough?.(output())) end();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // It may end before it has read all of its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(deadline);
      const said = stderr.replace(earlyNotice, '');
      resolve({ code: isEndedHere ? null : code, stdout: Buffer.concat(stdout), stderr: said });
      onBegun?.();
      wake();
    });
  });
  return {
    ended,
    end,
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(output());
          if (found) resolve(found);
          else if (child.exitCode !== null || child.signalCode !== null)
            reject(new Error(`kubectl ended before ${String(pattern)}: ${output()}${stderr}`));
          else return;
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
  };
}

export function runKubectl(
  scene: Scene,
  way: Way,
  args: readonly string[],
  options?: RunOptions,
): Promise<Outcome> {
  return startKubectl(scene, way, args, options).ended;
}
