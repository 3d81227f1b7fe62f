import { getCACertificates, type SecureContext, createSecureContext } from 'node:tls';
import type { Credential } from '../credentials/credential.ts';
import { decodeCertificates } from './certificates.ts';
import type { ClusterConnection } from './connection.ts';

let defaultRoots: readonly string[] | undefined;

/** Node's own roots and the system's, as Go trusts them where no CA is published (AC-22). Read once: it takes a while. */
function readDefaultRoots(): readonly string[] {
  defaultRoots ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
  return defaultRoots;
}

/**
 * What is trusted and what is shown, parsed once for each client certificate. With a CA of the cluster's own, an
 * intermediate or the server's leaf certificate is an anchor as in Go (`allowPartialTrustChain`).
 */
export function buildSecureContext(
  { tls }: ClusterConnection,
  credential: Credential | undefined,
): SecureContext {
  const pair = credential?.clientCertificate;
  const own = tls.caData === undefined ? undefined : decodeCertificates(tls.caData);
  return createSecureContext({
    ca: [...(own ?? readDefaultRoots())],
    allowPartialTrustChain: own !== undefined,
    minVersion: 'TLSv1.2',
    ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.key }),
  });
}

let defaultProxyContext: SecureContext | undefined;
const proxyContexts = new WeakMap<ClusterConnection, SecureContext>();

/**
 * What an https proxy is trusted by: the default roots, and the cluster's own CA, by which client-go verifies proxies
 * too. Nothing is shown to it, and `insecure-skip-tls-verify` is about the cluster.
 */
export function proxyContextOf(connection: ClusterConnection): SecureContext {
  const { caData } = connection.tls;
  if (caData === undefined)
    return (defaultProxyContext ??= createSecureContext({
      ca: [...readDefaultRoots()],
      minVersion: 'TLSv1.2',
    }));
  const present = proxyContexts.get(connection);
  if (present) return present;
  const context = createSecureContext({
    ca: [...readDefaultRoots(), ...decodeCertificates(caData)],
    allowPartialTrustChain: true,
    minVersion: 'TLSv1.2',
  });
  proxyContexts.set(connection, context);
  return context;
}
