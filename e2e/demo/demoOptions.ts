import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Undefined: 4466, or a free one when that is taken. */
  readonly port: number | undefined;
  /** How many ClusterProfiles in all, over the same spokes. */
  readonly clusters: number;
}

export const demoHelp = `Starts a hub and three workload clusters with real API servers, Headlamp's UI and the sidecar, all on this machine.

Usage: npm run demo -- [options]

  --port N       Where the dashboard is served. Default: 4466, or a free port when that is taken.
  --clusters N   ClusterProfiles in all, over the same three clusters. Default: 3.
  --help         Prints this.

Ctrl-C ends everything. Kubeconfigs, the provider file and the logs are in .demo/.
`;

/** @throws Error for what cannot be an option */
export function parseDemoOptions(argv: readonly string[]): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: { port: { type: 'string' }, clusters: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help) return 'help';
  const readNumber = (name: string, text: string, lowest: number, highest: number): number => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < lowest || number > highest) {
      throw new Error(`--${name} takes a whole number from ${lowest} to ${highest}`);
    }
    return number;
  };
  return {
    port: values.port === undefined ? undefined : readNumber('port', values.port, 1, 65_535),
    clusters: values.clusters === undefined ? 3 : readNumber('clusters', values.clusters, 3, 10_000),
  };
}
