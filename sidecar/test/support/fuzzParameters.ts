export interface FuzzParameters {
  readonly seed: number;
  readonly numRuns: number;
  readonly path?: string;
}

/**
 * What a fuzz test runs with; says so, so that a run can be repeated: `FUZZ_SEED`, `FUZZ_PATH` (of the counterexample,
 * which a failure names) and `FUZZ_RUNS`.
 */
export function readFuzzParameters(what: string, runs: number): FuzzParameters {
  const { FUZZ_SEED: seedText, FUZZ_PATH: path, FUZZ_RUNS: runsText } = process.env;
  const seed = readNumber('FUZZ_SEED', seedText) ?? Math.floor(Math.random() * 2 ** 31);
  const numRuns = readNumber('FUZZ_RUNS', runsText) ?? runs;
  process.stdout.write(`fuzz ${what}: FUZZ_SEED=${seed} FUZZ_RUNS=${numRuns}\n`);
  return { seed, numRuns, ...(path === undefined ? {} : { path }) };
}

function readNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value)) throw new Error(`${name}=${text} is no whole number`);
  return value;
}
