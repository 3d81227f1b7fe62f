import { join, relative } from 'node:path';
import { demoHelp, parseDemoOptions } from './demoOptions.ts';
import { startDemo } from './startDemo.ts';

const folder = join(import.meta.dirname, '..', '..', '.demo');

async function main(): Promise<void> {
  const options = readOptions();
  if (options === 'help') {
    process.stdout.write(demoHelp);
    return;
  }
  const startedAt = performance.now();
  const seconds = (): string => `${((performance.now() - startedAt) / 1000).toFixed(0)} s`;
  let stopping = false;
  const demo = startDemo({
    ...options,
    folder,
    progress: (text) => {
      if (!stopping) process.stdout.write(`  ${seconds().padStart(5)}  ${text}\n`);
    },
  });
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
