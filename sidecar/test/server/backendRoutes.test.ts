import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorHeader } from '../../src/proxy/status.ts';
import { allowTraffic, person } from '../support/fakeReviews.ts';
import { exchangeRaw, type RawAnswer } from '../support/rawClient.ts';
import { answerWith } from '../support/recordingUpstream.ts';
import { startUsers, type UsersProxy } from '../support/startUsers.ts';

let running: UsersProxy;

const ana = 'Authorization: Bearer ana-secret';
const ben = 'Authorization: Bearer ben-secret';

beforeEach(async () => {
  running = await startUsers({
    users: { 'ana-secret': person('ana'), 'ben-secret': person('ben') },
    allows: allowTraffic({ ana: ['get', 'create'], ben: ['get', 'update', 'patch', 'delete'] }),
  });
});

afterEach(() => running.close());

const codeOf = ({ headers }: RawAnswer): string | undefined =>
  headers.find((line) => line.startsWith(errorHeader))?.split(': ')[1];

function ask(line: string, headers: readonly string[] = [ana]): Promise<RawAnswer> {
  const [method = '', rest = ''] = line.split(' ');
  const { proxy } = running;
  return exchangeRaw(proxy.port, proxy.request(`${method} ${proxy.pathOf('a')}${rest}`, headers));
}

const service = (...ports: readonly object[]): string => answerWith(JSON.stringify({ spec: { ports } }));
const web = { name: 'http', port: 8080 };
const linesOf = (): string[] => running.upstream.heads.map((head) => head.split(' HTTP/1.1')[0] ?? '');
const asked = 'GET /serviceproxy/tools/catalog?request=%2Findex.yaml%3Fa%3Db';

describe('serviceproxy', () => {
  it('[PX-45] asks the Service through the API server, as the user', async () => {
    running.upstream.answers.push(
      service(web),
      answerWith('entries: []', '200 OK', 'Content-Type: text/yaml\r\nSet-Cookie: a=b\r\n'),
    );
    const answer = await ask(asked, [ana, 'X-Plugin: yes', 'Cookie: a=b']);
    expect([answer.status, answer.body]).toEqual([200, 'entries: []']);
    expect(answer.headers).toContain('Content-Type: text/yaml');
    expect(answer.headers).toContain("Content-Security-Policy: default-src 'none'; sandbox");
    expect(answer.headers.join()).not.toMatch(/set-cookie/i);
    expect(linesOf()).toEqual([
      'GET /api/v1/namespaces/tools/services/catalog',
      'GET /api/v1/namespaces/tools/services/http:catalog:8080/proxy/index.yaml?a=b',
    ]);
    for (const head of running.upstream.heads) {
      expect(head).toContain('Impersonate-User: ana\r\n');
      expect(head).not.toMatch(/ana-secret|cookie/i);
    }
    expect(running.upstream.heads[1]).toContain('X-Plugin: yes\r\n');
    expect(running.proxy.auditLines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { event: 'request', verb: 'get', resource: 'services', name: 'catalog', status: 200 },
      { event: 'stream-start', verb: 'create', resource: 'services', subresource: 'proxy', user: 'ana' },
      { event: 'stream-end', status: 200 },
    ]);
  });

  it('[PX-17, PX-45] leads back under the cluster’s name, or nowhere', async () => {
    running.upstream.answers.push(
      service({ name: 'https', port: 443 }),
      answerWith('', '302 Found', 'Location: ./other\r\n'),
      service(web),
      answerWith('', '302 Found', 'Location: https://evil.example/\r\n'),
    );
    expect((await ask(asked)).headers).toContain(
      `Location: ${running.proxy.pathOf('a')}/api/v1/namespaces/tools/services/https:catalog:443/proxy/other`,
    );
    expect(codeOf(await ask(asked))).toBe('redirect-refused');
  });

  it('[ID-12, PX-45] needs create: who has all but that learns nothing of the Service', async () => {
    const answer = await ask(asked, [ben]);
    expect([answer.status, codeOf(answer)]).toEqual([404, 'cluster-unknown']);
    expect(running.upstream.connections).toEqual([]);
  });

  it.each<[string, readonly string[], number, string]>([
    ['nobody', [], 401, 'sign-in-required'],
    ['a page of another origin', [ana, 'Origin: http://evil.example'], 403, 'origin-refused'],
  ])('[ID-01, ID-09, PX-45] is refused to %s', async (_title, headers, status, code) => {
    const answer = await ask(asked, headers);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect(running.upstream.connections).toEqual([]);
  });

  it('[PX-45] of a Service that is not there is the cluster’s own answer', async () => {
    running.upstream.answers.push(answerWith('{"kind":"Status","message":"no such"}', '404 Not Found'));
    const answer = await ask(asked);
    expect([answer.status, codeOf(answer)]).toEqual([404, undefined]);
    expect(answer.body).toContain('no such');
  });

  it('[PX-45] of a Service without such a port says so', async () => {
    running.upstream.answers.push(service({ name: 'metrics', port: 1 }));
    const answer = await ask(asked);
    expect([answer.status, codeOf(answer)]).toEqual([404, 'service-port-missing']);
    expect(running.upstream.heads).toHaveLength(1);
  });

  it.each([
    ['GET /serviceproxy/tools/catalog', 404, 'path-unknown'],
    ['GET /serviceproxy/tools/catalog?request=http%3A%2F%2Fevil.example%2F', 400, 'path-refused'],
    ['GET /serviceproxy/tools/catalog?request=%2F..%2F..%2Fsecrets', 400, 'path-refused'],
    ['GET /serviceproxy/tools/catalog?request=%2F%252e%252e%2Fsecrets', 400, 'path-refused'],
    ['POST /serviceproxy/tools/catalog?request=%2F', 405, 'method-refused'],
  ])('[PX-02, PX-45] %s is refused', async (line, status, code) => {
    const answer = await ask(line);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect(running.upstream.connections).toEqual([]);
  });
});

describe('what is not done', () => {
  it.each([
    ['GET /portforward/list', 'kubectl port-forward'],
    ['POST /portforward', 'kubectl port-forward'],
    ['GET /helm/releases/list', 'use helm through the sidecar'],
  ])('[PX-45] %s says what to use instead', async (line, instead) => {
    const answer = await ask(line);
    expect([answer.status, codeOf(answer)]).toEqual([501, 'not-implemented']);
    const { kind, message } = JSON.parse(answer.body) as { kind: string; message: string };
    expect([kind, message]).toEqual(['Status', expect.stringContaining(instead)]);
    expect([running.upstream.connections, running.proxy.toDashboard]).toEqual([[], []]);
  });
});
