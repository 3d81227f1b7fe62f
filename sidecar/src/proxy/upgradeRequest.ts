import type { IncomingMessage } from 'node:http';
import { CodedError } from '../foundation/errors.ts';

const protocols: ReadonlySet<string> = new Set(['websocket', 'spdy/3.1']);

/** Whether a request asks for a protocol that is tunnelled; any other `Upgrade` goes on as an ordinary request (PX-32). */
export function isUpgradeRequested({ headers }: IncomingMessage): boolean {
  const connection = (headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((token) => token.trim());
  return connection.includes('upgrade') && protocols.has((headers.upgrade ?? '').toLowerCase());
}

/** @throws CodedError `upgrade-invalid` for an upgrade with a body (PX-32) */
export function assertBodiless({ headers }: IncomingMessage): void {
  const length = headers['content-length'];
  if (headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0)) {
    throw new CodedError('upgrade-invalid');
  }
}
