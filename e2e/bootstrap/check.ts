import { runChecks } from './checks.ts';
import { plans } from './plans.mjs';
import { formatResults, isGood, type Result } from './results.ts';
import { runSteps } from './steps.mjs';

const results: Result[] = [];
const run = async (progress: (text: string) => void): Promise<undefined> => {
  results.push(await runChecks(progress));
};
await runSteps([{ title: 'Checks', run }], { first: 2, total: plans.check.steps.length });
console.log(formatResults(results));
process.exitCode = isGood(results) ? 0 : 1;
