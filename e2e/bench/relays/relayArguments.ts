import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

export interface RelayArguments {
  /** Its origin. */
  readonly upstream: string;
  /** PEM of its CA. */
  readonly ca: string;
  /** On 127.0.0.1. */
  readonly port: number;
}

export function readRelayArguments(): RelayArguments {
  const text = { type: 'string', default: '' } as const;
  const { values } = parseArgs({ options: { upstream: text, ca: text, port: text } });
  return { upstream: values.upstream, ca: readFileSync(values.ca, 'utf8'), port: Number(values.port) };
}
