import { stripVTControlCharacters } from 'node:util';

/**
 * @typedef {(text: string) => void} Progress told what is going on
 *
 * @typedef {object} Step
 * @property {string} title
 * @property {boolean} [printsItself] its output goes straight to the terminal, so that no live line may stand there
 * @property {(progress: Progress) => Promise<string | undefined>} run may answer a few words on how it went
 *
 * @typedef {object} Numbering
 * @property {number} first number of the first of these steps
 * @property {number} total
 * @property {AbortSignal} [signal] once aborted, nothing more is shown, and no further step begins
 */

const logIntervalMs = 15_000;

/**
 * Runs steps one after the other. On a terminal a line says what is going on and for how long; in a log there is a
 * line at the start, one every 15 s, and one at the end.
 * @param {readonly Step[]} steps
 * @param {Numbering} numbering
 * @param {NodeJS.WriteStream} [output]
 */
export async function runSteps(steps, { first, total, signal }, output = process.stdout) {
  for (const [index, step] of steps.entries()) {
    signal?.throwIfAborted();
    await runStep(step, `[${first + index}/${total}] ${step.title}`, output, signal);
  }
}

/**
 * @param {Step} step
 * @param {string} label
 * @param {NodeJS.WriteStream} output
 * @param {AbortSignal} [signal]
 */
async function runStep(step, label, output, signal) {
  const start = performance.now();
  const elapsed = () => formatDuration(performance.now() - start);
  const inPlace = output.isTTY && !step.printsItself;
  let text = '';
  const draw = () => {
    const line = text === '' ? `${label} (${elapsed()})` : `${label} (${elapsed()}): ${text}`;
    output.write(`\r\x1b[2K${line.slice(0, Math.max(20, (output.columns || 80) - 1))}`);
  };
  const log = () => output.write(`${label} (${elapsed()})${text === '' ? '' : `: ${text}`}\n`);
  if (!inPlace) output.write(`${label} …\n`);
  const timer = step.printsItself
    ? undefined
    : setInterval(inPlace ? draw : log, inPlace ? 250 : logIntervalMs);
  signal?.addEventListener('abort', () => clearInterval(timer));
  /** @param {string} end */
  const finish = (end) => {
    clearInterval(timer);
    if (signal?.aborted) return;
    output.write(`${inPlace ? '\r\x1b[2K' : ''}${label}: ${end}\n`);
  };
  try {
    const note = await step.run((latest) => {
      text = stripVTControlCharacters(latest).trim();
    });
    finish(`${note ? `${note}, ` : ''}${elapsed()}`);
  } catch (error) {
    finish(`failed after ${elapsed()}`);
    throw error;
  }
}

/** @param {number} ms */
export function formatDuration(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
