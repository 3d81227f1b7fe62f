import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildDashboardUi, buildPlugin } from '../bootstrap/builds.ts';
import { listenForEnd } from '../bootstrap/listenForEnd.ts';
import { plans } from '../bootstrap/plans.mjs';
import { endGroups } from '../bootstrap/processGroups.mjs';
import { runSteps } from '../bootstrap/steps.mjs';
import { describeBinaries, resolveBinaries } from '../parts/binaries.ts';
import { findPortProblem } from '../parts/freePort.ts';
import { demoUsers } from './demoUsers.ts';
import type { Progress } from '../parts/progress.ts';
import { takeDemoLock, type DemoLock } from './demoLock.ts';
import { readDemoOptions } from './demoOptions.mjs';
import { startDemo, type Demo } from './startDemo.ts';

const folder = join(import.meta.dirname, '..', '..', '.demo');

const ending = new AbortController();

async function main(): Promise<void> {
  const options = readDemoOptions(process.argv.slice(2));
  const lock = await reserve(options.port);
  process.once('exit', () => lock.release());
  let running: Demo | undefined = undefined;
  const starting = prepare().then(() => startDemo({ ...options, folder, auth: 'hub', runStep }));
  listenForEnd((exitCode) => {
    ending.abort();
    process.stdout.write('\nEnding everything…\n');
    void endEverything(running, starting).finally(() => process.exit(running ? 0 : exitCode));
  });
  running = await starting;
  if (ending.signal.aborted) return;
  lock.tell(running.url);
  describe(running, options.clusters);
}

/** What keeps this demo from starting is said before anything starts. */
async function reserve(port: number | undefined): Promise<DemoLock> {
  try {
    const problem = port === undefined ? undefined : await findPortProblem(port);
    if (problem !== undefined) throw new Error(`--port ${port}: ${problem}.`);
    return takeDemoLock(folder);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

/** In order when it runs, and otherwise with whatever is there by now; within 5 s. */
async function endEverything(running: Demo | undefined, starting: Promise<Demo>): Promise<void> {
  if (running) await Promise.race([running.stop().catch(() => undefined), sleep(2_500)]);
  await endGroups();
  // What was starting finds that it cannot, and cleans up; what is left of its folders goes on exit.
  await Promise.race([starting.then((late) => late.stop()).catch(() => undefined), sleep(500)]);
}

function describe({ url, clusters, tokens }: Demo, count: number): void {
  const width = Math.max(...clusters.map(({ displayName }) => displayName.length));
  process.stdout.write(`\n  ${'cluster'.padEnd(width)}  access\n`);
  for (const { displayName, access } of clusters)
    process.stdout.write(`  ${displayName.padEnd(width)}  ${access}\n`);
  if (count > clusters.length) process.stdout.write(`  … and ${count - clusters.length} more\n`);
  process.stdout.write('\n  Sign in with the token of\n');
  for (const { name, may } of demoUsers)
    process.stdout.write(`  ${name.padEnd(6)}  ${tokens[name] ?? ''}  (may ${may})\n`);
  process.stdout.write(
    `\n  Tokens, kubeconfigs, the provider file and the logs are in ${relative(process.cwd(), folder) || '.'}/. Ctrl-C ends everything.\n`,
  );
  process.stdout.write(`\nReady: ${url}\n`);
}

const steps = plans.demo.steps;

/** Shows a step with its number among all. */
async function runStep<T>(
  title: (typeof steps)[number],
  run: (progress: Progress) => Promise<T>,
  describe: (result: T) => string | undefined = () => undefined,
): Promise<T> {
  const results: T[] = [];
  const step = {
    title,
    run: async (progress: Progress) => {
      const result = await run(progress);
      results.push(result);
      return describe(result);
    },
  };
  await runSteps([step], {
    first: steps.indexOf(title) + 1,
    total: steps.length,
    signal: ending.signal,
  });
  return results[0] as T;
}

/** Builds what a fresh clone lacks. */
async function prepare(): Promise<void> {
  await runStep('Plugin', buildPlugin, (note) => note);
  await runStep('Dashboard UI', buildDashboardUi, (note) => note);
  await runStep('Real parts', (progress) => resolveBinaries({ progress }), describeBinaries);
}

main().catch((error: unknown) => {
  // Whoever ends it knows why it did not start.
  if (ending.signal.aborted) return;
  process.stderr.write(
    `\nThe demo did not start: ${error instanceof Error ? error.message : String(error)}\nThe logs are in .demo/logs/.\n`,
  );
  process.exit(1);
});
