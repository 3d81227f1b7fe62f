import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeBinaries, resolveBinaries } from '../parts/binaries.ts';
import { resolveBrowser } from '../parts/browser.ts';
import { buildDashboardUi, buildPlugin, root } from './builds.ts';
import { runChecks } from './checks.ts';
import { describeCoverage, readContractCoverage } from './contractCoverage.ts';
import { listenForEnd } from './listenForEnd.ts';
import { plans } from './plans.mjs';
import { endGroups, spawnGroup } from './processGroups.mjs';
import { formatResults, isGood, readResult, type Result } from './results.ts';
import { runSteps } from './steps.mjs';

type Run = (progress: (text: string) => void) => Promise<string | undefined>;
type Title = Exclude<(typeof plans.test.steps)[number], 'Dependencies'>;

const reportsFolder = join(root, 'reports');
const results: Result[] = [];
const stop = new AbortController();

/** Runs a workspace's tests with vitest, which prints for itself; its report goes to reports/<suite>.json. */
async function runSuite(suite: string): Promise<string> {
  const start = performance.now();
  const reportFile = join(reportsFolder, `${suite}.json`);
  const child = spawnGroup(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportFile}`,
    ],
    'inherit',
    { cwd: join(root, suite) },
    1_000,
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  const result = readResult(suite, reportFile, (performance.now() - start) / 1000, code);
  results.push(result);
  return result.failed > 0 ? `${result.failed} failed` : `${result.passed} passed`;
}

const runs: Record<Title, Run> = {
  Plugin: buildPlugin,
  'Dashboard UI': buildDashboardUi,
  'Real parts': async (progress) => describeBinaries(await resolveBinaries({ progress })),
  Browser: async (progress) => {
    // The suites look for it as well; this one they find first.
    const path = await resolveBrowser({ progress });
    process.env['CHROMIUM_PATH'] = path;
    return path;
  },
  'Tests of the sidecar': () => runSuite('sidecar'),
  'Tests of the plugin': () => runSuite('plugin'),
  'Tests end to end': () => runSuite('e2e'),
  Checks: async (progress) => {
    results.push(await runChecks(progress));
    return undefined;
  },
};

rmSync(reportsFolder, { recursive: true, force: true });
mkdirSync(reportsFolder);
listenForEnd((exitCode) => {
  stop.abort();
  // What ran so far is counted below; at once, or this ends without.
  void endGroups()
    .then(() => sleep(1_000))
    .finally(() => process.exit(exitCode));
  process.exitCode = exitCode;
});
try {
  for (const [index, title] of plans.test.steps.entries()) {
    if (title === 'Dependencies') continue;
    const step = { title, run: runs[title], printsItself: title.startsWith('Tests') };
    await runSteps([step], { first: index + 1, total: plans.test.steps.length, signal: stop.signal });
  }
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    results.push({ suite: 'set-up', passed: 0, failed: 1, skipped: [], seconds: 0 });
  }
}
console.log(`\n${describeCoverage(readContractCoverage())} (npm run coverage:contracts lists them)`);
console.log(formatResults(results));
if (!stop.signal.aborted) process.exitCode = isGood(results) ? 0 : 1;
