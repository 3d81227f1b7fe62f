// Plain JavaScript: read before anything is installed, on whatever Node there is.
import { parseArgs } from 'node:util';

/**
 * @typedef {object} DemoOptions
 * @property {number | undefined} port undefined: 4466, or a free one when that is taken
 * @property {number} clusters how many ClusterProfiles in all, over the same spokes
 */

export const demoHelp = `Starts a hub and three workload clusters with real API servers, Headlamp's UI and the sidecar, all on this machine.

Usage: npm run demo -- [options]

  --port N       Where the dashboard is served. Default: 4466, or a free port when that is taken.
  --clusters N   ClusterProfiles in all, over the same three clusters. Default: 3.
  --help         Prints this.

Ctrl-C ends everything. Kubeconfigs, the provider file and the logs are in .demo/.
`;

/**
 * @param {readonly string[]} argv
 * @returns {DemoOptions | 'help'}
 * @throws Error for what cannot be an option
 */
export function parseDemoOptions(argv) {
  const { values } = parseArgs({
    args: [...argv],
    options: { port: { type: 'string' }, clusters: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help) return 'help';
  return {
    port: values.port === undefined ? undefined : readNumber('port', values.port, 1, 65_535),
    clusters: values.clusters === undefined ? 3 : readNumber('clusters', values.clusters, 3, 10_000),
  };
}

/**
 * The options, or an end of this process: with the help, or with what is wrong.
 * @param {readonly string[]} argv
 * @returns {DemoOptions}
 */
export function readDemoOptions(argv) {
  try {
    const options = parseDemoOptions(argv);
    if (options !== 'help') return options;
    process.stdout.write(demoHelp);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${demoHelp}`);
    process.exit(2);
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} lowest
 * @param {number} highest
 */
function readNumber(name, text, lowest, highest) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < lowest || number > highest) {
    throw new Error(`--${name} takes a whole number from ${lowest} to ${highest}`);
  }
  return number;
}
