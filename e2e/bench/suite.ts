/** One line of what was measured. */
export interface Row {
  readonly name: string;
  /** For people. */
  readonly measured: string;
  /** What the project wants; absent for what is only told. */
  readonly goal?: { readonly text: string; readonly isMet: boolean };
  /** For programs. */
  readonly values: Readonly<Record<string, number | undefined>>;
}

export interface SuiteOptions {
  /** Less of everything, for a first look. */
  readonly quick: boolean;
  readonly tell: (line: string) => void;
  /** Where a CPU profile of the sidecar is left, which costs it time; absent for none. */
  readonly cpuProfileFolder?: string;
}

/** A part measures one thing by itself. */
export interface Suite {
  readonly parts: readonly string[];
  run(parts: readonly string[], options: SuiteOptions): Promise<readonly Row[]>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  return (low + high) / 2;
}
