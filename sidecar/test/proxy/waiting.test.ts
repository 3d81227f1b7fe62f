import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collectAnswer } from '../../src/clusters/collectAnswer.ts';
import { createClusterConnections } from '../../src/clusters/connections.ts';
import type { ClusterConnection } from '../../src/clusters/connection.ts';
import type { Exchange } from '../../src/clusters/exchange.ts';
import type { ClusterConnections } from '../../src/clusters/liveCluster.ts';
import type { Credential } from '../../src/credentials/credential.ts';
import { systemClock } from '../../src/foundation/clock.ts';
import { CodedError } from '../../src/foundation/errors.ts';
import { codedErrorOf } from '../support/codedErrorOf.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { type Gate, startGate } from '../support/startGate.ts';
import { until } from '../support/until.ts';

/** Requests to one cluster that wait for a connection, or for the end of another request. */
let upstream: RecordingUpstream;
let gate: Gate;
let connections: ClusterConnections;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  gate = await startGate(upstream.port);
  connections = createClusterConnections(connectionTo(gate.port));
});

afterEach(async () => {
  connections.close();
  await gate.close();
  await upstream.close();
});

function connectionTo(port: number): ClusterConnection {
  return {
    protocol: 'https:',
    hostname: '127.0.0.1',
    port,
    hostHeader: 'cluster',
    basePath: '',
    query: '',
    tls: { insecureSkipVerify: true },
    disableCompression: false,
    isAddressAllowed: () => true,
  };
}

interface Asked {
  readonly exchange: Exchange;
  /** Its body, or the code of its error. */
  readonly outcome: Promise<string>;
}

function ask(target: string, method = 'GET', credential?: Credential): Asked {
  const { promise: outcome, resolve } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  const exchange = connections.send(
    credential,
    { method, target, headers: ['Host', 'cluster'], body: method === 'POST' ? Buffer.from('b') : null },
    {
      onSent: () => undefined,
      onHead: () => undefined,
      onData: (chunk) => chunks.push(chunk),
      onWait: () => undefined,
      onEnd: () => {
        resolve(Buffer.concat(chunks).toString());
      },
      onUpgrade: () => undefined,
      onError: ({ code }) => {
        resolve(code);
      },
    },
    { headTimeoutMs: 0, maxHeadBytes: 1024 },
  );
  return { exchange, outcome };
}

/** Asks by the next connection, which is let in. */
async function askAnew(target: string): Promise<Asked> {
  const asked = ask(target);
  await gate.pass(gate.knocked);
  await untilAsked(target);
  return asked;
}

const countAsked = (target: string): number =>
  upstream.heads.filter((head) => head.split(' ')[1] === target).length;
const untilAsked = (target: string, times = 1): Promise<void> =>
  until(`${target} is asked`, () => countAsked(target) === times);

describe('a request that waits for a connection', () => {
  it('has not failed where another’s cannot be made, and its own is still being made', async () => {
    const kept = await askAnew('/kept');
    const a = ask('/a');
    const b = ask('/b');
    await until('both knock', () => gate.knocked === 3);
    upstream.connections[0]?.send(answerWith('kept'));
    expect(await kept.outcome).toBe('kept');
    // The first of them has the connection that is free now.
    await untilAsked('/a');
    await gate.drop(1);
    upstream.answers.push(answerWith('b'));
    await gate.pass(2);
    expect(await b.outcome).toBe('b');
    upstream.connections[0]?.send(answerWith('a'));
    expect(await a.outcome).toBe('a');
  });

  it('fails where its own serves another, and that one’s cannot be made', async () => {
    const a = ask('/a');
    const b = ask('/b');
    upstream.answers.push(answerWith('a', '200 OK', 'Connection: close\r\n'));
    await gate.pass(1);
    expect(await a.outcome).toBe('a');
    await gate.drop(0);
    expect(await b.outcome).toBe('connection-reset');
  });

  it('fails where one that left was counted with it', async () => {
    const a = ask('/a');
    const b = ask('/b');
    const c = ask('/c');
    await until('all knock', () => gate.knocked === 3);
    b.exchange.abort(new CodedError('shutting-down'));
    expect(await b.outcome).toBe('shutting-down');
    await gate.drop(0);
    expect(await a.outcome).toBe('connection-reset');
    await gate.drop(2);
    expect(await c.outcome).toBe('connection-reset');
  });

  it('[PX-42] leaves nothing behind when its cluster is not reached, or it leaves', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const refs: WeakRef<Exchange>[] = [];
    const askInVain = async (): Promise<void> => {
      const a = ask('/a');
      const b = ask('/b');
      refs.push(new WeakRef(a.exchange), new WeakRef(b.exchange));
      b.exchange.abort(new CodedError('shutting-down'));
      await gate.drop(gate.knocked);
      await Promise.all([a.outcome, b.outcome]);
    };
    for (let round = 0; round < 5; round++) await askInVain();
    await until('they are gone', () => {
      collect();
      return refs.filter((ref) => ref.deref() !== undefined).length <= 1;
    });
  });
});

describe('[TH-45] what comes behind an answer, in a packet with it but by itself', () => {
  const foreign = answerWith('of somebody else');

  it.each([
    ['GET', 'a'],
    ['POST', 'response-invalid'],
  ])('is no answer to the %s that waited for the connection', async (method, wanted) => {
    const kept = await askAnew('/kept');
    const a = ask('/a', method);
    await until('it knocks', () => gate.knocked === 2);
    const handOn = gate.gather(0);
    // Records of their own.
    upstream.connections[0]?.send(answerWith('kept'));
    await new Promise((resolve) => setImmediate(resolve));
    upstream.connections[0]?.send(foreign);
    await new Promise((resolve) => setTimeout(resolve, 100));
    handOn();
    expect(await kept.outcome).toBe('kept');
    await until(
      'it ends',
      () => upstream.connections[0]?.ended === true || upstream.connections[0]?.socket.destroyed === true,
    );
    upstream.answers.push(answerWith('a'));
    await gate.pass(1);
    if (method === 'GET') await gate.pass(2);
    expect(await a.outcome).toBe(wanted);
  });
});

describe('[PX-26] a read that is closed on a kept connection', () => {
  it('is sent again once, by a kept connection too', async () => {
    const first = await askAnew('/1');
    const second = await askAnew('/2');
    upstream.connections[0]?.send(answerWith('1'));
    upstream.connections[1]?.send(answerWith('2'));
    expect([await first.outcome, await second.outcome]).toEqual(['1', '2']);
    const a = ask('/a');
    const b = ask('/b');
    await untilAsked('/a');
    await untilAsked('/b');
    const [ofA, ofB] = [
      upstream.connections.findIndex(({ received }) => received.includes('/a')),
      upstream.connections.findIndex(({ received }) => received.includes('/b')),
    ];
    upstream.connections[ofA]?.reset();
    await until('it knocks', () => gate.knocked === 3);
    upstream.connections[ofB]?.send(answerWith('b'));
    expect(await b.outcome).toBe('b');
    await untilAsked('/a', 2);
    upstream.connections[ofB]?.reset();
    expect(await a.outcome).toBe('connection-reset');
    expect(countAsked('/a')).toBe(2);
  });

  it('[PX-41, EX-26] is not sent again where it was ended with its certificate', async () => {
    const old: Credential = { token: 'old', connectionKey: 'old' };
    const kept = ask('/kept', 'GET', old);
    upstream.answers.push(answerWith('kept'));
    await gate.pass(0);
    expect(await kept.outcome).toBe('kept');
    const a = ask('/a', 'GET', old);
    await untilAsked('/a');
    ask('/b', 'GET', { token: 'new', connectionKey: 'new' });
    expect(await a.outcome).toBe('connection-reset');
    await until('the new one knocks', () => gate.knocked === 2);
    expect(gate.knocked).toBe(2);
  });
});

it('[PX-23] an answer that has come to its end is told whole, whenever its reader goes on', async () => {
  const paused = Promise.withResolvers<undefined>();
  const { promise: ended, resolve, reject } = Promise.withResolvers<undefined>();
  let got = '';
  const exchange = connections.send(
    undefined,
    { method: 'GET', target: '/a', headers: ['Host', 'cluster'], body: null },
    {
      onSent: () => undefined,
      onHead: () => undefined,
      onData(chunk) {
        got += chunk.toString();
        exchange.pause();
        paused.resolve(undefined);
      },
      onWait: () => undefined,
      onEnd: () => {
        resolve(undefined);
      },
      onUpgrade: () => undefined,
      onError: reject,
    },
    { headTimeoutMs: 0, maxHeadBytes: 1024 },
  );
  await gate.pass(0);
  await untilAsked('/a');
  upstream.connections[0]?.socket.end(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n',
  );
  await paused.promise;
  await until('its connection is gone', () => upstream.connections[0]?.socket.destroyed === true);
  expect(got).toBe('a');
  exchange.resume();
  expect(got).toBe('ab');
  exchange.resume();
  await ended;
});

it('[PX-40] what cannot even be sent has its reason', async () => {
  const clientCertificate = { certificate: 'none', key: 'none' };
  const asking = (credential: Credential, headers: readonly string[]): Promise<unknown> =>
    collectAnswer(
      connections,
      credential,
      { method: 'GET', target: '/a', headers, body: null },
      { clock: systemClock, timeoutMs: 5_000, maxHeadBytes: 1024, maxBodyBytes: 1024 },
    );
  const { code } = await codedErrorOf(() => asking({ connectionKey: 'broken', clientCertificate }, []));
  expect(code).toBe('connection-failed');
  const good: Credential = { token: 'a', connectionKey: 'good' };
  upstream.answers.push(answerWith('kept'));
  const kept = ask('/kept', 'GET', good);
  await gate.pass(0);
  expect(await kept.outcome).toBe('kept');
  expect((await codedErrorOf(() => asking(good, ['A', 'b\r\nc: d']))).code).toBe('headers-refused');
});
