import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { followServingPair } from '../../src/commands/followServingPair.ts';
import { silentLog } from '../../src/foundation/log.ts';
import { createListener } from '../../src/server/createListener.ts';
import { listen } from '../../src/server/listen.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';
import { createManualClock } from '../support/manualClock.ts';
import { createSelfSignedPair, type SelfSignedPair } from '../support/selfSignedPair.ts';
import { until } from '../support/until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serving-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const files = (): { certificatePath: string; keyPath: string } => ({
  certificatePath: join(folder, 'tls.crt'),
  keyPath: join(folder, 'tls.key'),
});

function write({ certificate, key }: Partial<SelfSignedPair>): void {
  const { certificatePath, keyPath } = files();
  if (certificate !== undefined) writeFileSync(certificatePath, certificate);
  if (key !== undefined) writeFileSync(keyPath, key);
}

/** The certificate that is shown, and the answer's first line. */
function ask(port: number): Promise<{ digest: string; line: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const digest = socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase();
      socket.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('end', () => {
        resolve({ digest, line: text.split('\r\n', 1)[0] ?? '' });
      });
    });
    socket.on('error', reject);
  });
}

it('[OP-25] serves TLS with the pair of its files, and with the next one when both have changed', async () => {
  const [first, second] = [createSelfSignedPair(), createSelfSignedPair()];
  write(first);
  const clock = createManualClock();
  const followed = await followServingPair(files(), {
    clock,
    log: silentLog,
    onChange: (pair) => {
      listener.renewPair(pair);
    },
  });
  const listener = createListener(
    {
      request: (_request, response) => {
        response.writeHead(204);
        response.end();
      },
      upgrade: (_request, socket) => {
        socket.destroy();
      },
    },
    { requestHeaderLimits: { maxBytes: 65_536, timeoutMs: 20_000 }, pair: followed.pair, clock },
  );
  const port = await listen(listener.server, { host: '127.0.0.1', port: 0 });
  try {
    expect(await ask(port)).toEqual({ digest: first.digest, line: 'HTTP/1.1 204 No Content' });
    write({ certificate: second.certificate });
    await until('the certificate was looked at', async () => {
      clock.advance(1000);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return clock.pending >= 2;
    });
    // The key is still the old one: they do not fit.
    expect((await ask(port)).digest).toBe(first.digest);
    write({ key: second.key });
    await until('the new pair is served', async () => {
      clock.advance(1000);
      return (await ask(port)).digest === second.digest;
    });
  } finally {
    followed.end();
    listener.endSockets();
    listener.server.close();
  }
});

it.each<[string, () => Partial<SelfSignedPair>]>([
  ['are not there', () => ({})],
  [
    'do not fit',
    () => ({ certificate: createSelfSignedPair().certificate, key: createSelfSignedPair().key }),
  ],
  ['are no PEM', () => ({ certificate: 'x', key: 'y' })],
])('[OP-25] does not start where the files %s', async (_title, content) => {
  write(content());
  const followed = followServingPair(files(), {
    clock: createManualClock(),
    log: silentLog,
    onChange: () => undefined,
  });
  expect((await codedErrorOf(() => followed)).code).toBe('tls-pair-invalid');
});
