#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { checkConfig } from './commands/checkConfig.ts';
import { decideDefaultAuth } from './commands/decideDefaultAuth.ts';
import { findWeakening } from './commands/findWeakening.ts';
import { serve } from './commands/serve.ts';
import { buildHelpText } from './config/helpText.ts';
import { parseOptions } from './config/options.ts';
import { readOptionTexts } from './config/readOptionTexts.ts';
import { systemClock } from './foundation/clock.ts';
import { compileInOneStep } from './foundation/compilers.ts';
import { asCodedError, type ErrorCode } from './foundation/errors.ts';
import { createLog } from './foundation/log.ts';
import { boundYoungGeneration } from './foundation/youngGeneration.ts';

/** The only reader of argv, environment and signals. */

/** Exit codes differ by what an operator has to mend (OP-13). */
const exitCodes: Partial<Record<ErrorCode, number>> = {
  'options-invalid': 2,
  'provider-file-invalid': 2,
  'access-policy-invalid': 2,
  'kubeconfig-invalid': 2,
  'tls-pair-invalid': 2,
  'listen-failed': 3,
};
const drainDeadlineMs = 25_000;

async function main(): Promise<void> {
  refuseWeakenedNode();
  const commandLine = readOptionTexts(process.argv.slice(2), process.env);
  if (commandLine.kind === 'help') {
    process.stdout.write(buildHelpText());
    return;
  }
  if (commandLine.kind === 'version') {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    process.stdout.write(`${version}\n`);
    return;
  }
  if (commandLine.kind === 'check-config') {
    process.exitCode = await checkConfig(commandLine.texts, {
      environment: process.env,
      write: (line) => process.stdout.write(line),
    });
    return;
  }
  const options = parseOptions(commandLine.texts, decideDefaultAuth(commandLine.texts, process.env));
  const log = createLog({
    format: options.logFormat ?? (process.stderr.isTTY ? 'text' : 'json'),
    level: options.logLevel,
    write: (line) => process.stderr.write(line),
    now: Date.now,
  });
  boundYoungGeneration();
  compileInOneStep();
  const sidecar = await serve(options, {
    environment: process.env,
    clock: systemClock,
    random: Math.random,
    log,
  });
  let draining = false;
  const stop = (): void => {
    // A second signal ends at once.
    if (draining) process.exit(1);
    draining = true;
    log.info('draining');
    void sidecar.drain(drainDeadlineMs).then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** Such a Node never goes with a pod that holds a fleet's keys (TH-47). */
function refuseWeakenedNode(): void {
  const weakening = findWeakening(process.execArgv, process.env);
  if (weakening === undefined) return;
  process.stderr.write(`does not start with ${weakening}\n`);
  process.exit(2);
}

main().catch((thrown: unknown) => {
  const error = asCodedError(thrown);
  process.stderr.write(`cluster-inventory-sidecar: ${error.message}\n`);
  if (error.code === 'internal-error') console.error(error.cause);
  process.exit(exitCodes[error.code] ?? 1);
});
