import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ProbeReport } from './processes/probe.mjs';

/** Loaded into a sidecar whose environment names the probe's socket. */
export const probeFile = join(import.meta.dirname, 'processes', 'probe.mjs');

export function askProbe(socketPath: string): Promise<ProbeReport> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once('error', reject);
    socket.write('report\n');
    createInterface({ input: socket }).once('line', (line) => {
      resolve(JSON.parse(line) as ProbeReport);
      socket.destroy();
    });
  });
}
