// The first thing that runs in a fresh clone: plain JavaScript, on Node 20 or later, with nothing installed.
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDemoOptions } from '../demo/demoOptions.mjs';
import { findGoProblem } from '../parts/findParts.mjs';
import { installDependencies } from './dependencies.mjs';
import { handOver, passEndsOn } from './handOver.mjs';
import { plans } from './plans.mjs';
import { runSteps } from './steps.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [name = '', ...args] = process.argv.slice(2);

if (!(name in plans)) {
  console.error('Usage: node e2e/bootstrap/run.mjs <command> [arguments]\n');
  for (const [each, { summary }] of Object.entries(plans)) console.error(`  ${each.padEnd(7)}${summary}`);
  process.exit(2);
}
const plan = plans[/** @type {keyof typeof plans} */ (name)];

if (name === 'demo') readDemoOptions(args);

const problem = findProblem();
if (problem) {
  console.error(problem);
  process.exit(1);
}
passEndsOn();
try {
  await runSteps([{ title: plan.steps[0], run: (progress) => installDependencies(root, progress) }], {
    first: 1,
    total: plan.steps.length,
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
// The Node that package.json pins.
const bin = join(root, 'node_modules/.bin');
handOver(join(bin, 'node'), [join(root, plan.script), ...args], {
  ...process.env,
  PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
});

/** What has to be there before anything can run. */
function findProblem() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20)
    return `Node 20 or later is needed, this is ${process.version}. Get it from https://nodejs.org/ and start again.`;
  if (spawnSync('npm', ['--version'], { stdio: 'ignore' }).status !== 0) {
    return 'npm is not on the PATH. It comes with Node: https://nodejs.org/';
  }
  return plan.steps.some((step) => step === 'Real parts') ? findGoProblem(process.env) : undefined;
}
