// The first thing that runs in a fresh clone: plain JavaScript, on Node 20 or later, with nothing installed.
import { spawn, spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installDependencies } from './dependencies.mjs';
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

const problem = findProblem();
if (problem) {
  console.error(problem);
  process.exit(1);
}
try {
  await runSteps([{ title: plan.steps[0], run: (progress) => installDependencies(root, progress) }], {
    first: 1,
    total: plan.steps.length,
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
await runPinnedNode();

/** What has to be there before anything can run. */
function findProblem() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20)
    return `Node 20 or later is needed, this is ${process.version}. Get it from https://nodejs.org/ and start again.`;
  if (spawnSync('npm', ['--version'], { stdio: 'ignore' }).status !== 0) {
    return 'npm is not on the PATH. It comes with Node: https://nodejs.org/';
  }
  return undefined;
}

/** Hands over to the Node that package.json pins, with its signals and its exit code. */
async function runPinnedNode() {
  const bin = join(root, 'node_modules/.bin');
  const child = spawn(join(bin, 'node'), [join(root, plan.script), ...args], {
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` },
  });
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP']))
    process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to the child as well; anybody else sends it to us alone.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  child.on('error', (error) => {
    console.error(`The pinned Node does not start: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    process.exit(code ?? (signal === 'SIGINT' ? 130 : 143));
  });
}
