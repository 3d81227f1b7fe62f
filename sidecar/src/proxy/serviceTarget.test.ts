import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import { buildServiceTarget, findServicePort, parseServiceRequest } from './serviceTarget.ts';

const portsOf = (...ports: readonly object[]): unknown => ({ spec: { ports } });
const catalog = { namespace: 'tools', name: 'catalog', path: '/' };

describe('[PX-45] the path of serviceproxy', () => {
  it.each([
    ['request=/api/v1/search%3Fkind%3D0%26limit%3D5', '/api/v1/search?kind=0&limit=5'],
    ['request=index.yaml&request=/other', '/index.yaml'],
    ['request=', '/'],
    ['a=b&request=/x?y=1&z=2', '/x?y=1'],
    ['request=%2Fa%20b%2F%C3%A9', '/a%20b/%C3%A9'],
    ['request=/a%252Fb', '/a%2Fb'],
  ])('%s asks the Service for %s', (query, path) => {
    expect(parseServiceRequest(`/serviceproxy/tools/catalog?${query}`)).toEqual({ ...catalog, path });
  });

  it.each([
    '/serviceproxy/tools/catalog',
    '/serviceproxy/tools?request=/',
    '/serviceproxy/tools/catalog/x?request=/',
    '/serviceproxy/tools/catalog/?request=/',
    '/serviceproxy/tools/c%61talog?request=/',
    '/serviceproxy/tools/catalog:80?request=/',
    '/serviceproxy//catalog?request=/',
  ])('%s is none', async (rest) => {
    expect((await codedErrorOf(() => parseServiceRequest(rest))).code).toBe('path-unknown');
  });

  it.each(['http://evil.example/', '//evil.example/', '/\\evil.example', '\\\\evil', 'HTTPS:evil'])(
    'that leads to %s is refused',
    async (request) => {
      const rest = `/serviceproxy/tools/catalog?request=${encodeURIComponent(request)}`;
      expect((await codedErrorOf(() => parseServiceRequest(rest))).code).toBe('path-refused');
    },
  );
});

describe('[PX-45] the port of a Service', () => {
  it('is the one named https, else the one named http, else none', () => {
    const http = { name: 'http', port: 80 };
    const https = { name: 'https', port: 8443 };
    expect(findServicePort(portsOf({ name: 'metrics', port: 1 }, http, https))).toEqual({
      scheme: 'https',
      port: 8443,
    });
    expect(findServicePort(portsOf({ name: 'metrics', port: 1 }, http))).toEqual({
      scheme: 'http',
      port: 80,
    });
    for (const service of [portsOf({ name: 'web', port: 80 }), portsOf({ port: 443 }), {}, 'nonsense'])
      expect(findServicePort(service)).toBeUndefined();
  });
});

describe('[PX-45] the way to a Service', () => {
  it('is the API server’s own', () => {
    expect(buildServiceTarget({ ...catalog, path: '/a%2Fb?c=d' }, { scheme: 'https', port: 8443 })).toBe(
      '/api/v1/namespaces/tools/services/https:catalog:8443/proxy/a%2Fb?c=d',
    );
  });

  it.each(['/../../secrets', '/a/%2e%2e/b', '/%252e%252e/', '/a\\b', '/%00', '/a#b'])(
    '[PX-02] leaves it by no path such as %s',
    async (path) => {
      const build = (): string => buildServiceTarget({ ...catalog, path }, { scheme: 'http', port: 80 });
      expect((await codedErrorOf(build)).code).toBe('path-refused');
    },
  );
});
