import type { TrafficSite } from './site.ts';

/** A line for each target, those without a figure as well. */
export function describeTargets(
  { targets, unmeasured }: TrafficSite,
  describe: (name: string) => string | undefined,
  failures: ReadonlyMap<string, string> = new Map(),
): string {
  const lines = [
    ...targets.map(({ name }) => {
      const failure = failures.get(name);
      return [name, failure === undefined ? describe(name) : `failed: ${failure}`] as const;
    }),
    ...unmeasured.map(({ name, why }) => [name, `not measured: ${why}`] as const),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => `${name.padEnd(width)}  ${text}`)
    .join('\n    ');
}

/** For programs: one figure of each target. */
export function valuesOf(
  { targets }: TrafficSite,
  figures: Readonly<Record<string, (name: string) => number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).flatMap(([figure, of]) =>
      targets
        .map(({ name }) => [`${name}: ${figure}`, of(name)] as const)
        .filter(([, value]) => !Number.isNaN(value)),
    ),
  );
}

/** Of a target that is only compared with: its failure is a line of the table. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
