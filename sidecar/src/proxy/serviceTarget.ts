import { CodedError } from '../foundation/errors.ts';
import { asArray, asRecord } from '../foundation/unknownValue.ts';
import { routeTarget } from './target.ts';

/** What `/serviceproxy/<namespace>/<name>?request=…` asks for. */
export interface ServiceRequest {
  readonly namespace: string;
  readonly name: string;
  /** Path and query at the Service, with a slash in front. */
  readonly path: string;
}

export interface ServicePort {
  readonly scheme: 'http' | 'https';
  readonly port: number;
}

const label = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
const servicePath = new RegExp(`^/serviceproxy/(${label})/(${label})$`);

/**
 * @param rest the raw path and query behind the cluster's name
 * @throws CodedError `path-unknown`, or `path-refused` for a request that leads elsewhere
 */
export function parseServiceRequest(rest: string): ServiceRequest {
  const [path = ''] = rest.split('?', 1);
  const [, namespace, name] = servicePath.exec(path) ?? [];
  const requested = new URLSearchParams(rest.slice(path.length + 1)).get('request');
  if (namespace === undefined || name === undefined || requested === null)
    throw new CodedError('path-unknown');
  // Another server, at the Service or in place of it.
  if (/^(?:[/\\]{2}|[a-z][a-z0-9+.-]*:)/i.test(requested)) throw new CodedError('path-refused');
  const below = requested.startsWith('/') ? requested : `/${requested}`;
  return { namespace, name, path: below.replaceAll(/[^\x21-\x7e]/gu, encodeURIComponent) };
}

/** Of a Service, as an API server tells of it: the port named `https`, else the one named `http`. */
export function findServicePort(service: unknown): ServicePort | undefined {
  const ports = asArray(asRecord(asRecord(service)['spec'])['ports']).map(asRecord);
  for (const scheme of ['https', 'http'] as const) {
    const port = ports.find((each) => each['name'] === scheme)?.['port'];
    if (typeof port === 'number') return { scheme, port };
  }
  return undefined;
}

/**
 * The raw path and query of the API server's own way to the Service.
 * @throws CodedError `path-refused` for a path with dot segments and the like, as for any other (PX-02)
 */
export function buildServiceTarget({ namespace, name, path }: ServiceRequest, port: ServicePort): string {
  const service = `${port.scheme}:${name}:${port.port}`;
  const rest = `/api/v1/namespaces/${namespace}/services/${service}/proxy${path}`;
  const target = routeTarget(`/clusters/x${rest}`, { basePath: '', namePrefix: 'x' });
  if (target.kind !== 'cluster') throw new CodedError('path-refused');
  return target.rest;
}
