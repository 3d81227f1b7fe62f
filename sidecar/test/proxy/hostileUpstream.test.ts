import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  decodeChunks,
  openRawClient,
  parseAnswer,
  type RawAnswer,
  type RawClient,
} from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';

/**
 * Clusters whose answers are no HTTP, or could be read in two ways. Whoever asked is told so or is reset, nobody gets a
 * byte that was not theirs, and neither the next request to that cluster nor any to another notices.
 */
let upstream: RecordingUpstream;
let other: RecordingUpstream;
let proxy: Proxy;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  other = await startRecordingUpstream();
  proxy = await startProxy({ clusters: { a: clusterAt(upstream), b: clusterAt(other) } });
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
  await other.close();
});

/** What no client may ever see. */
const foreign = 'of another answer';
const foreignAnswer = answerWith(foreign);
const ok = 'HTTP/1.1 200 OK\r\n';
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const long = 'a'.repeat(70_000);

const brokenHeads: Readonly<Record<string, string>> = {
  'bare LF everywhere': 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
  'bare LF after the status line': `HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok`,
  'bare LF after a header': `${ok}A: b\nContent-Length: 2\r\n\r\nok`,
  'bare LF at the end of the head': `${ok}Content-Length: 2\r\n\nok`,
  'bare CR in a value': `${ok}A: b\rContent-Length: 9\r\nContent-Length: 2\r\n\r\nok`,
  'a folded header': `${ok}A: b\r\n c\r\nContent-Length: 2\r\n\r\nok`,
  'a folded first header': `${ok} A: b\r\nContent-Length: 2\r\n\r\nok`,
  'Content-Length and Transfer-Encoding': `${ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'Transfer-Encoding and Content-Length': `${ok}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'two lengths': `${ok}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`,
  'the same length twice': `${ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
  'two lengths in one header': `${ok}Content-Length: 2, 2\r\n\r\nok`,
  'an empty length': `${ok}Content-Length:\r\n\r\nok`,
  'a length with a sign': `${ok}Content-Length: +2\r\n\r\nok`,
  'a negative length': `${ok}Content-Length: -2\r\n\r\nok`,
  'a hexadecimal length': `${ok}Content-Length: 0x2\r\n\r\nok`,
  'a length with a unit': `${ok}Content-Length: 2b\r\n\r\nok`,
  'a length of two numbers': `${ok}Content-Length: 2 2\r\n\r\nok`,
  'a length beyond all numbers': `${ok}Content-Length: 99999999999999999999\r\n\r\nok`,
  'a space before the colon': `${ok}Content-Length : 2\r\n\r\nok`,
  'a space in a name': `${ok}A b: c\r\nContent-Length: 2\r\n\r\nok`,
  'an empty name': `${ok}: c\r\nContent-Length: 2\r\n\r\nok`,
  'a bracket in a name': `${ok}A(b): c\r\nContent-Length: 2\r\n\r\nok`,
  'a high byte in a name': `${ok}A\xe9: c\r\nContent-Length: 2\r\n\r\nok`,
  'a line without a colon': `${ok}nothing\r\nContent-Length: 2\r\n\r\nok`,
  'NUL in a value': `${ok}A: b\0c\r\nContent-Length: 2\r\n\r\nok`,
  'NUL in a name': `${ok}A\0: c\r\nContent-Length: 2\r\n\r\nok`,
  'a control character in a value': `${ok}A: b\x01c\r\nContent-Length: 2\r\n\r\nok`,
  'DEL in a value': `${ok}A: b\x7fc\r\nContent-Length: 2\r\n\r\nok`,
  'HTTP/0.9, which has no head': 'ok',
  'HTTP/0.9 by name': 'HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.2': 'HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/2.0': 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/11': 'HTTP/11 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'http in small letters': 'http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'another protocol': 'ICY/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'an empty line in front': `\r\n\r\n\0${ok}Content-Length: 2\r\n\r\nok`,
  'a tab for the space': 'HTTP/1.1\t200\tOK\r\nContent-Length: 2\r\n\r\nok',
  'status 99': 'HTTP/1.1 99 OK\r\nContent-Length: 2\r\n\r\nok',
  'status 1000': 'HTTP/1.1 1000 OK\r\nContent-Length: 2\r\n\r\nok',
  'status 000': 'HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok',
  'a status in letters': 'HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok',
  'no status': 'HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok',
  'a request': 'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  'a TLS alert in plain': '\x15\x03\x01\x00\x02\x02\x28',
  'a header longer than 64 KiB': `${ok}A: ${long}\r\nContent-Length: 2\r\n\r\nok`,
  'headers longer than 64 KiB together': `${ok}${'A: bcd\r\n'.repeat(18_000)}Content-Length: 2\r\n\r\nok`,
  'a name without end': `${ok}${long}`,
  'a reason without end': `HTTP/1.1 200 ${long}`,
};

const unknownCodings: Readonly<Record<string, string>> = {
  xchunked: `${ok}Transfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked, chunked': `${ok}Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked twice': `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'gzip, chunked': `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked, gzip': `${ok}Transfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  identity: `${ok}Transfer-Encoding: identity\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'chunked;q=1': `${ok}Transfer-Encoding: chunked;q=1\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'an empty one': `${ok}Transfer-Encoding:\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
};

const brokenBodies: Readonly<Record<string, string>> = {
  'a size with 0x': `${chunked}0x2\r\nok\r\n0\r\n\r\n`,
  'a size beyond all numbers': `${chunked}FFFFFFFFFFFFFFFFF\r\nok\r\n0\r\n\r\n`,
  'a negative size': `${chunked}-1\r\nok\r\n0\r\n\r\n`,
  'a size with a sign': `${chunked}+2\r\nok\r\n0\r\n\r\n`,
  'a space behind the size': `${chunked}2 \r\nok\r\n0\r\n\r\n`,
  'a space between size and extension': `${chunked}2 ;x\r\nok\r\n0\r\n\r\n`,
  'a space before the size': `${chunked} 2\r\nok\r\n0\r\n\r\n`,
  'a letter behind the size': `${chunked}2x\r\nok\r\n0\r\n\r\n`,
  'a size that is none': `${chunked}zz\r\nok\r\n0\r\n\r\n`,
  'an empty size': `${chunked}\r\nok\r\n0\r\n\r\n`,
  'no size but an extension': `${chunked};x\r\nok\r\n0\r\n\r\n`,
  'bare LF after the size': `${chunked}2\nok\r\n0\r\n\r\n`,
  'bare LF after an extension': `${chunked}2;x\nok\r\n0\r\n\r\n`,
  'bare LF in an extension': `${chunked}2;x\n1\r\nok\r\n0\r\n\r\n`,
  'bare LF after the data': `${chunked}2\r\nok\n0\r\n\r\n`,
  'nothing after the data': `${chunked}2\r\nok0\r\n\r\n`,
  'more data than the size': `${chunked}2\r\nokok\r\n0\r\n\r\n`,
  'bare LF after the last chunk': `${chunked}2\r\nok\r\n0\n\n`,
  'bare LF after a trailer': `${chunked}2\r\nok\r\n0\r\nA: b\n\r\n`,
  'a trailer without a colon': `${chunked}2\r\nok\r\n0\r\nnothing\r\n\r\n`,
  'a trailer with a space before the colon': `${chunked}2\r\nok\r\n0\r\nA : b\r\n\r\n`,
  'a folded trailer': `${chunked}2\r\nok\r\n0\r\nA: b\r\n c\r\n\r\n`,
  'NUL in a trailer': `${chunked}2\r\nok\r\n0\r\nA: b\0\r\n\r\n`,
  'an extension without end': `${chunked}2;${long}`,
  'extensions without end': `${chunked}${'1;a=b\r\nx\r\n'.repeat(20)}1;${long}`,
  'a trailer without end': `${chunked}2\r\nok\r\n0\r\nA: ${long}`,
  'trailers without end': `${chunked}2\r\nok\r\n0\r\n${'A: bcd\r\n'.repeat(18_000)}`,
};

/** Whole answers, and what comes on the same connection though nobody asked for it. */
const glued: Readonly<Record<string, string>> = {
  'an answer behind a known length': `${answerWith('ok')}${foreignAnswer}`,
  'an answer behind the last chunk': `${chunked}2\r\nok\r\n0\r\n\r\n${foreignAnswer}`,
  'an answer behind trailers': `${chunked}2\r\nok\r\n0\r\nX-A: b\r\n\r\n${foreignAnswer}`,
  'more bytes than the length': `${answerWith('ok')}${foreign}`,
  'an empty line and an answer': `${answerWith('ok')}\r\n\r\n${foreignAnswer}`,
  'a hundred answers': `${answerWith('ok')}${foreignAnswer.repeat(100)}`,
  'half an answer': `${answerWith('ok')}${foreignAnswer.slice(0, 30)}`,
};
const gluedToBodiless: Readonly<Record<string, readonly [method: string, answer: string, status: number]>> = {
  'a body behind 204': ['GET', `HTTP/1.1 204 No Content\r\n\r\n${foreignAnswer}`, 204],
  'a body behind 204 with a length': [
    'GET',
    `HTTP/1.1 204 No Content\r\nContent-Length: ${foreign.length}\r\n\r\n${foreign}`,
    204,
  ],
  'a body behind 304 with a length': [
    'GET',
    `HTTP/1.1 304 Not Modified\r\nContent-Length: ${foreign.length}\r\n\r\n${foreign}`,
    304,
  ],
  'a body behind the answer to HEAD': ['HEAD', answerWith(foreign), 200],
  'an answer behind the answer to HEAD': ['HEAD', `${ok}Content-Length: 5\r\n\r\n${foreignAnswer}`, 200],
};

const fine: Readonly<Record<string, readonly [answer: string, body: string]>> = {
  'no reason and no space for one': ['HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'ok'],
  'an empty reason': ['HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok', 'ok'],
  'space around values': [`${ok}A:b\r\nContent-Length:  \t2\r\n\r\nok`, 'ok'],
  'an empty value': [`${ok}A:\r\nContent-Length: 2\r\n\r\nok`, 'ok'],
  'extensions of chunks': [`${chunked}2;a=b;c="d"\r\nok\r\n0;last\r\n\r\n`, 'ok'],
  'sizes in any case, with zeros in front': [
    `${chunked}000a\r\n0123456789\r\n0A\r\n0123456789\r\n000\r\n\r\n`,
    '01234567890123456789',
  ],
  'high bytes in a value': [`${ok}A: \xe9\xff\r\nContent-Length: 2\r\n\r\nok`, 'ok'],
  'nearly 64 KiB of headers': [`${ok}A: ${'a'.repeat(60_000)}\r\nContent-Length: 2\r\n\r\nok`, 'ok'],
  'a status that nobody knows': ['HTTP/1.1 299 Fine\r\nContent-Length: 2\r\n\r\nok', 'ok'],
};

async function ask(name = 'a', method = 'GET', text?: string): Promise<RawAnswer & { readonly all: string }> {
  const client = await openRawClient(proxy.port);
  client.send(text ?? proxy.request(`${method} ${proxy.pathOf(name)}/x`));
  return await readAll(client);
}

async function readAll(client: RawClient): Promise<RawAnswer & { readonly all: string }> {
  const all = await client.waitForEnd();
  client.socket.destroy();
  const isAnswer = all.includes('\r\n\r\n');
  const answer = isAnswer ? parseAnswer(all, client.outcome) : { status: 0, headers: [], body: '' };
  return { ...answer, outcome: client.outcome, all };
}

const upgradeRequest = (): string =>
  [
    `GET ${proxy.pathOf('a')}/x HTTP/1.1`,
    `Host: ${proxy.host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    '\r\n',
  ].join('\r\n');

/** In parts of one byte, each in a TLS record of its own. */
async function sendByteByByte(text: string): Promise<void> {
  const connection = await upstream.connection(0);
  await connection.waitFor('\r\n\r\n');
  for (let at = 0; at < text.length && !connection.socket.destroyed; at++) connection.send(text.charAt(at));
}

async function expectNobodyNoticed(): Promise<void> {
  await (await upstream.connection(0)).waitForClose();
  upstream.answers.push(answerWith('the next'));
  other.answers.push(answerWith('of the other'));
  const [next, others] = await Promise.all([ask('a'), ask('b')]);
  expect([next.status, next.body, next.outcome]).toEqual([200, 'the next', 'end']);
  expect([others.status, others.body, others.outcome]).toEqual([200, 'of the other', 'end']);
}

/** With its length in parts: what is read at once may hide what is read in parts. */
const sendings = ['at once', 'byte by byte'] as const;

async function askHostile(
  answer: string,
  how: (typeof sendings)[number],
  request?: string,
): Promise<RawAnswer & { readonly all: string }> {
  if (how === 'at once' || answer.length > 2_000) {
    upstream.answers.push(answer);
    return ask('a', 'GET', request);
  }
  const [answered] = await Promise.all([ask('a', 'GET', request), sendByteByByte(answer)]);
  return answered;
}

it('[PX-23] what came before an answer broke, at once with it, is the client’s', async () => {
  const chunk = 'x'.repeat(5000);
  const { status, all, outcome } = await askHostile(
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n${chunk}\r\nnonsense\r\n`,
    'at once',
  );
  expect([status, outcome]).toEqual([200, 'ECONNRESET']);
  expect(all).toContain(chunk);
});

describe.each(sendings)('[TH-45, PX-42] an answer that comes %s', (how) => {
  it.each(Object.entries(brokenHeads))('with %s is 502', async (_, answer) => {
    const { status, headers, all } = await askHostile(answer, how);
    expect([status, headers]).toEqual([
      502,
      expect.arrayContaining(['X-Cluster-Inventory-Error: response-invalid']) as unknown,
    ]);
    expect(all.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    await expectNobodyNoticed();
  });

  it.each(Object.entries(unknownCodings))('with the coding %s is 502', async (_, answer) => {
    const { status, headers } = await askHostile(answer, how);
    expect([status, headers]).toEqual([
      502,
      expect.arrayContaining(['X-Cluster-Inventory-Error: response-invalid']) as unknown,
    ]);
    await expectNobodyNoticed();
  });

  it.each(Object.entries(brokenBodies))('with %s never ends well', async (_, answer) => {
    const { status, all, outcome } = await askHostile(answer, how);
    expect(status === 502 ? 'ECONNRESET' : outcome).toBe('ECONNRESET');
    expect(all).not.toMatch(/\r\n0\r\n\r\n$/);
    await expectNobodyNoticed();
  });

  it.each(Object.entries(glued))('with %s is one answer', async (_, answer) => {
    const { status, all } = await askHostile(answer, how);
    // A reset would do, too: what else such a cluster says is not worth much.
    expect([200, 502, 0]).toContain(status);
    expect(all).not.toContain(foreign);
    await expectNobodyNoticed();
  });

  it.each(Object.entries(fine))('with %s is in order', async (_, [answer, body]) => {
    const answered = await askHostile(answer, how);
    const isChunked = answered.headers.some((line) => /^transfer-encoding: chunked$/i.test(line));
    const got = isChunked ? decodeChunks(answered.body).data : answered.body;
    expect([got, answered.outcome]).toEqual([body, 'end']);
    // Nobody is told what an extension means, nor that there was one.
    expect(answered.body).not.toContain(';');
  });
});

describe('[TH-45, PX-24] an answer without a body', () => {
  it.each(Object.entries(gluedToBodiless))('with %s', async (_, [method, answer, wanted]) => {
    upstream.answers.push(answer);
    const { status, all } = await ask('a', method);
    expect([wanted, 502, 0]).toContain(status);
    expect(all).not.toContain(foreign);
    await expectNobodyNoticed();
  });
});

describe('[TH-45, PX-36] an upgrade that is answered', () => {
  it.each(Object.entries(brokenHeads))('with %s is 502', async (_, answer) => {
    upstream.answers.push(answer);
    const { status, headers, outcome } = await ask('a', 'GET', upgradeRequest());
    expect([status, headers, outcome]).toEqual([
      502,
      expect.arrayContaining(['X-Cluster-Inventory-Error: response-invalid']) as unknown,
      'end',
    ]);
    await expectNobodyNoticed();
  });

  it.each(Object.entries(brokenBodies))('with a refusal that has %s never ends well', async (_, answer) => {
    upstream.answers.push(answer.replace('200 OK', '403 Forbidden'));
    const { status, outcome } = await ask('a', 'GET', upgradeRequest());
    expect(status === 502 ? 'ECONNRESET' : outcome).toBe('ECONNRESET');
    await expectNobodyNoticed();
  });
});

it('[PX-20, TH-45] HTTP/1.0 without a length goes on to its close, and no further', async () => {
  const client = await openRawClient(proxy.port);
  client.send(proxy.request(`GET ${proxy.pathOf('a')}/x`));
  const connection = await upstream.connection(0);
  await connection.waitFor('\r\n\r\n');
  connection.send('HTTP/1.0 200 OK\r\nServer: old\r\n\r\nall of it');
  await client.waitFor('all of it');
  connection.socket.end();
  const { body, outcome } = await readAll(client);
  expect([body, outcome]).toEqual(['9\r\nall of it\r\n0\r\n\r\n', 'end']);
  await expectNobodyNoticed();
});

describe('[TH-45] what a cluster says while nobody asks', () => {
  it.each([
    ['an answer', foreignAnswer],
    ['half an answer', foreignAnswer.slice(0, 20)],
    ['an empty line', '\r\n'],
    ['one byte', 'x'],
    ['a time-out', answerWith(foreign, '408 Request Timeout', 'Connection: close\r\n')],
  ])('is dropped with its connection: %s', async (_, unasked) => {
    upstream.answers.push(answerWith('first'));
    expect((await ask()).body).toBe('first');
    const connection = await upstream.connection(0);
    connection.send(unasked);
    await connection.waitForClose();
    await expectNobodyNoticed();
    expect(upstream.connections).toHaveLength(2);
  });

  it('is never given to those who ask a moment later, whoever is first', async () => {
    for (let round = 0; round < 20; round++) {
      upstream.answers.push(`${answerWith(`answer ${round}`)}${foreignAnswer}`);
      const { all } = await ask();
      expect(all).not.toContain(foreign);
    }
  });

  it('is never given to the next on one kept connection of a client', async () => {
    const client = await openRawClient(proxy.port);
    const line = `GET ${proxy.pathOf('a')}/x HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`;
    for (let round = 0; round < 10; round++) {
      upstream.answers.push(`${answerWith(`answer ${round}`)}${foreignAnswer}`);
      client.send(line);
      await client.waitFor(`answer ${round}`);
    }
    client.socket.destroy();
    expect(client.received.match(/answer \d/g)).toEqual(
      Array.from({ length: 10 }, (_, round) => `answer ${round}`),
    );
    expect(client.received).not.toContain(foreign);
  });
});

it('[TH-45, PX-42] headers that never end, of many at once, hold up nobody', async () => {
  const asked = Array.from({ length: 20 }, () => ask());
  for (let index = 0; index < asked.length; index++) {
    const connection = await upstream.connection(index);
    await connection.waitFor('\r\n\r\n');
    connection.send(ok);
    const drip = async (): Promise<void> => {
      while (!connection.ended && !connection.socket.destroyed) {
        connection.send(`A: ${'a'.repeat(4_000)}\r\n`);
        await wait(1);
      }
    };
    void drip();
  }
  other.answers.push(answerWith('of the other'));
  expect((await ask('b')).body).toBe('of the other');
  for (const { status } of await Promise.all(asked)) expect(status).toBe(502);
});

it('[TH-45, PX-24] interim answers without end are not a way around the limit of headers', async () => {
  upstream.answers.push(`HTTP/1.1 103 Early Hints\r\nLink: ${long}\r\n\r\n`);
  expect((await ask()).status).toBe(502);
  await expectNobodyNoticed();
});
