import { CodedError } from '../foundation/errors.ts';
import { asText, isRecord } from '../foundation/unknownValue.ts';

/** What Headlamp's UI sends to drain a node. */
export interface DrainRequest {
  readonly cluster: string;
  readonly nodeName: string;
}

const knownKeys: ReadonlySet<string> = new Set(['cluster', 'nodeName']);

/**
 * The request where it is for a cluster of ours, undefined where it is the dashboard's. Headlamp's decoder takes keys in
 * any letter case, the last of several and what stands in front of anything else, so that a body in which a name of ours
 * is to be found, however it is spelt, has to be the plain one (PX-02).
 * @param namePrefix in lower case: what every name of ours begins with
 * @throws CodedError `body-invalid`
 */
export function readDrainRequest(body: Buffer, namePrefix: string): DrainRequest | undefined {
  const text = body.toString('utf8');
  if (!unescape(text).toLowerCase().includes(namePrefix)) return undefined;
  const parsed = parsePlainJson(text);
  if (!isRecord(parsed) || Object.keys(parsed).some((key) => !knownKeys.has(key)))
    throw new CodedError('body-invalid');
  const cluster = asText(parsed['cluster']);
  const nodeName = asText(parsed['nodeName']);
  if (cluster === undefined || nodeName === undefined) throw new CodedError('body-invalid');
  // A node of one of the dashboard's own clusters may be called like ours.
  if (!cluster.toLowerCase().startsWith(namePrefix)) return undefined;
  if (!isNodeName(nodeName)) throw new CodedError('body-invalid');
  return { cluster, nodeName };
}

/** A DNS subdomain, as API servers want it: never more than one segment of a path. */
export function isNodeName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text);
}

/** The text with its escapes resolved, whether they are valid or not. */
function unescape(text: string): string {
  return text
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replaceAll(/\\(.)/gs, '$1');
}

/** JSON in its one plain spelling, blanks apart: no key twice, no escape without need, nothing behind it. */
function parsePlainJson(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new CodedError('body-invalid', undefined, { cause });
  }
  const withoutBlanks = text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');
  if (JSON.stringify(parsed) !== withoutBlanks) throw new CodedError('body-invalid');
  return parsed;
}
