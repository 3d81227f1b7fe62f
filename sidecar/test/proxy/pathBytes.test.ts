import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exchangeRaw } from '../support/rawClient.ts';
import { answerWith, type RecordingUpstream, startRecordingUpstream } from '../support/recordingUpstream.ts';
import { clusterAt, type Proxy, startProxy } from '../support/startProxy.ts';

let upstream: RecordingUpstream;
let other: RecordingUpstream;
let proxy: Proxy;

beforeEach(async () => {
  upstream = await startRecordingUpstream();
  other = await startRecordingUpstream();
  proxy = await startProxy({ clusters: { a: clusterAt(upstream, '/edge-01'), b: clusterAt(other) } });
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
  await other.close();
});

const kinds = {
  'a request': ['Connection: close'],
  'an upgrade': ['Connection: Upgrade', 'Upgrade: websocket'],
};
const ask = (target: string, headers: readonly string[]) =>
  exchangeRaw(proxy.port, [`GET ${target} HTTP/1.1`, `Host: ${proxy.host}`, ...headers, '\r\n'].join('\r\n'));

const service = '/api/v1/namespaces/default/services/http:web:80/proxy';

describe.each(Object.entries(kinds))('%s', (_, headers) => {
  it.each([
    `${service}/a//b%2Fc%20d/?x=%2B&y=a+b&x=2`,
    `${service}//`,
    `${service}/%2F%2f%2F`,
    `${service}/%E2%82%AC/%e2%82%ac`,
    `${service}/a;b=c;/d,e:f@g!$&'()*+=~-_`,
    `${service}/...//..a/a../.a/a.`,
    `${service}/%7E~%41A`,
    `${service}/?`,
    `${service}/??a=?&&=&a&a=%00`,
    `${service}/?next=/../..//https://evil.example/`,
    `${service}?a="b"|{c}^\`d\`<e>`,
    '/',
    '//',
    '/apis//x',
    `/${'a'.repeat(8_000)}`,
  ])('[S01, PX-01, PX-03] to %s goes on byte for byte behind the base path', async (rest) => {
    upstream.answers.push(answerWith('ok'));
    expect((await ask(`${proxy.pathOf('a')}${rest}`, headers)).body).toBe('ok');
    expect(upstream.heads[0]?.split('\r\n')[0]).toBe(`GET /edge-01${rest} HTTP/1.1`);
    expect(upstream.heads).toHaveLength(1);
  });

  it.each([
    '/..%2f..%2fother',
    '/../other',
    '/..',
    '/.',
    '/./x',
    '/%2e%2e/other',
    '/%2E./other',
    '/.%2e%2fother',
    '/x/..%2f..%2f..%2fother',
    '/%252e%252e/other',
    '/%25252e%25252e%25252fother',
    '/..%5cother',
    '/..\\other',
    '/a\\..\\..\\b',
    '/x%00',
    '/x%2500',
    '/..;/other',
    '/%2e%2e%3b/other',
    `${service}/../../../x`,
    `${service}/%2e%2e/x`,
  ])('[S01, PX-02, TH-40] with %s never leaves the base path nor reaches another cluster', async (rest) => {
    upstream.answers.push(answerWith('ok'));
    const { status } = await ask(`${proxy.pathOf('a')}${rest}`, headers);
    // A segment of other than dots means itself to every router.
    if (/^\/(\.\.|%2e%2e)(;|%3b)\/other$/.test(rest)) expect([200, 400]).toContain(status);
    else expect([status, upstream.heads]).toEqual([400, []]);
    expect(other.connections).toHaveLength(0);
    expect(proxy.toDashboard).toEqual([]);
    for (const head of upstream.heads) expect(head.split('\r\n')[0]).toBe(`GET /edge-01${rest} HTTP/1.1`);
  });

  it.each([
    'http://<HOST>/clusters/<B>/x',
    'https://evil.example/clusters/<B>/x',
    'HTTP://<HOST><A>/x',
    '//<HOST><A>/x',
    '//evil.example/clusters/<B>/x',
    '/\\evil.example/clusters/<B>/x',
    '/%2f/clusters/<B>/x',
    '/clusters/<B>/../<B>/x',
    '<A>/../<B>/x',
    '<A>%2f..%2f<B>/x',
    '/clusters/%63luster-inventory-x/x',
    '/clusters/<B>#x',
    '/CLUSTERS/<B>/x',
    '/clusters//<B>/x',
    '/clusters/./<B>/x',
    '/%63lusters/<B>/x',
  ])('[TH-40, PX-02] to %s is 400, and reaches nobody', async (pattern) => {
    const target = pattern
      .replaceAll('<HOST>', proxy.host)
      .replaceAll('<A>', proxy.pathOf('a'))
      .replaceAll('<B>', proxy.pathOf('b').slice('/clusters/'.length));
    expect((await ask(target, headers)).status).toBe(400);
    expect([upstream.connections.length, other.connections.length, proxy.toDashboard]).toEqual([0, 0, []]);
  });
});
