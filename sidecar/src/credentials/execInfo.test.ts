import { describe, expect, it } from 'vitest';
import { codedErrorOf } from '../../test/support/codedErrorOf.ts';
import type { PluginInvocation } from './credential.ts';
import { buildExecInfo } from './execInfo.ts';

const invocation: PluginInvocation = {
  provider: 'example',
  command: 'plugin',
  args: [],
  env: [],
  apiVersion: 'client.authentication.k8s.io/v1beta1',
  owner: 'uid-1',
  ownerName: 'store/hub/default/a',
};

describe('buildExecInfo', () => {
  it('[EX-03, EX-04] is there without cluster information, and then tells nothing of the cluster', () => {
    expect(JSON.parse(buildExecInfo(invocation))).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1beta1',
      kind: 'ExecCredential',
      spec: { interactive: false },
    });
  });

  it('[EX-04, AC-30] hands over every field of the cluster, its config verbatim', () => {
    const cluster = {
      server: 'https://example.test/base',
      'tls-server-name': 'api.example.test',
      'insecure-skip-tls-verify': true,
      'certificate-authority-data': 'Q0E=',
      'proxy-url': 'socks5://proxy.example.test:1080',
      'disable-compression': true,
      config: { clusterName: 'spoke', nested: [null, 1.5, { $: '{{ not a template }}' }] },
    };
    expect(JSON.parse(buildExecInfo({ ...invocation, cluster }))).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1beta1',
      kind: 'ExecCredential',
      spec: { interactive: false, cluster },
    });
  });

  it('[EX-08] refuses what is too long for one string of the environment, and takes what just fits', async () => {
    const withConfig = (config: string): PluginInvocation => ({
      ...invocation,
      cluster: { server: 'https://example.test', config },
    });
    const emptyBytes = Buffer.byteLength(buildExecInfo(withConfig('')));
    // 128 KiB with the name, the equals sign and the closing zero byte.
    const room = 128 * 1024 - 'KUBERNETES_EXEC_INFO='.length - 1 - emptyBytes;
    expect(buildExecInfo(withConfig('x'.repeat(room)))).toHaveLength(emptyBytes + room);
    const error = await codedErrorOf(() => buildExecInfo(withConfig('x'.repeat(room + 1))));
    expect(error.code).toBe('plugin-exec-info-too-large');
    expect(error.message).toContain('"example"');
    // Bytes are counted, not characters.
    expect((await codedErrorOf(() => buildExecInfo(withConfig('ü'.repeat(room / 2 + 1))))).code).toBe(
      'plugin-exec-info-too-large',
    );
  });

  it('refuses a config that is deeper than the stack', async () => {
    let config: unknown = {};
    for (let level = 0; level < 200_000; level += 1) config = [config];
    const error = await codedErrorOf(() =>
      buildExecInfo({ ...invocation, cluster: { server: 'https://example.test', config } }),
    );
    expect(error.code).toBe('plugin-exec-info-too-large');
  });
});
