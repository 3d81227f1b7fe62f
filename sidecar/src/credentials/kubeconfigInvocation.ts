import { CodedError } from '../foundation/errors.ts';
import { asArray, asRecord, asText, type UnknownRecord } from '../foundation/unknownValue.ts';
import type { Root } from '../inventory/root.ts';
import type { PluginInvocation } from './credential.ts';

/**
 * How the plugin of a kubeconfig's user is run for its hub: the same protocol as for a discovered cluster.
 * @throws CodedError `kubeconfig-invalid`
 */
export function buildKubeconfigInvocation(root: Root, exec: UnknownRecord): PluginInvocation {
  const command = asText(exec['command']);
  if (command === undefined)
    throw new CodedError('kubeconfig-invalid', `the user of ${root.name} has a plugin without a command`);
  const apiVersion = exec['apiVersion'];
  if (
    apiVersion !== 'client.authentication.k8s.io/v1' &&
    apiVersion !== 'client.authentication.k8s.io/v1beta1'
  ) {
    throw new CodedError(
      'kubeconfig-invalid',
      `the plugin of ${root.name} speaks an API version that is not served`,
    );
  }
  if (exec['interactiveMode'] === 'Always') {
    throw new CodedError(
      'kubeconfig-invalid',
      `the plugin of ${root.name} asks at a terminal, and there is none`,
    );
  }
  const installHint = asText(exec['installHint']);
  return {
    provider: root.name,
    command,
    args: asArray(exec['args']).filter((each) => typeof each === 'string'),
    env: asArray(exec['env']).flatMap((each) => {
      const { name, value } = asRecord(each);
      return typeof name === 'string' && typeof value === 'string' ? [{ name, value }] : [];
    }),
    apiVersion,
    ...(exec['provideClusterInfo'] === true ? { cluster: describeHub(root) } : {}),
    ...(installHint === undefined ? {} : { installHint }),
    owner: root.name,
    ownerName: root.name,
    isOfRoot: true,
  };
}

function describeHub(root: Root): NonNullable<PluginInvocation['cluster']> {
  return {
    server: root.server,
    ...(root.serverName === undefined ? {} : { 'tls-server-name': root.serverName }),
    ...(root.insecureSkipVerify ? { 'insecure-skip-tls-verify': true } : {}),
    ...(root.ca === undefined
      ? {}
      : { 'certificate-authority-data': Buffer.from(root.ca).toString('base64') }),
    ...(root.proxyUrl === undefined ? {} : { 'proxy-url': root.proxyUrl }),
  };
}
