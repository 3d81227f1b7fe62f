import { join, relative } from 'node:path';
import { buildDashboardUi, buildPlugin } from '../bootstrap/builds.ts';
import { plans } from '../bootstrap/plans.mjs';
import { runSteps } from '../bootstrap/steps.mjs';
import { describeBinaries, resolveBinaries } from '../parts/binaries.ts';
import type { Progress } from '../parts/progress.ts';
import { demoHelp, parseDemoOptions } from './demoOptions.ts';
import { startDemo } from './startDemo.ts';

const folder = join(import.meta.dirname, '..', '..', '.demo');

async function main(): Promise<void> {
  const options = readOptions();
  if (options === 'help') {
    process.stdout.write(demoHelp);
    return;
  }
  const demo = prepare().then(() => startDemo({ ...options, folder, auth: 'hub', runStep }));
  let stopping = false;
  const stop = (): void => {
    // What is still starting ends with us: each process ends when its parent does.
    if (stopping) process.exit(1);
    stopping = true;
    process.stdout.write('\nEnding everything…\n');
    setTimeout(() => process.exit(1), 5000).unref();
    void demo.then((running) => running.stop()).finally(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const { url, clusters } = await demo;
  const width = Math.max(...clusters.map(({ displayName }) => displayName.length));
  process.stdout.write(`\n  ${'cluster'.padEnd(width)}  access\n`);
  for (const { displayName, access } of clusters)
    process.stdout.write(`  ${displayName.padEnd(width)}  ${access}\n`);
  if (options.clusters > clusters.length)
    process.stdout.write(`  … and ${options.clusters - clusters.length} more\n`);
  process.stdout.write(
    `\n  Kubeconfigs, the provider file and the logs are in ${relative(process.cwd(), folder) || '.'}/. Ctrl-C ends everything.\n`,
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
  await runSteps([step], { first: steps.indexOf(title) + 1, total: steps.length });
  return results[0] as T;
}

/** Builds what a fresh clone lacks. */
async function prepare(): Promise<void> {
  await runStep('Plugin', buildPlugin, (note) => note);
  await runStep('Dashboard UI', buildDashboardUi, (note) => note);
  await runStep('Real parts', (progress) => resolveBinaries({ progress }), describeBinaries);
}

function readOptions(): ReturnType<typeof parseDemoOptions> {
  try {
    return parseDemoOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${demoHelp}`);
    process.exit(2);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(
    `\nThe demo did not start: ${error instanceof Error ? error.message : String(error)}\nThe logs are in .demo/logs/.\n`,
  );
  process.exit(1);
});
