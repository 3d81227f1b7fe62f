import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError } from '../foundation/errors.ts';
import { parseJson } from '../foundation/unknownValue.ts';
import { writeAnswer } from '../proxy/askCluster.ts';
import { buildServiceTarget, findServicePort, parseServiceRequest } from '../proxy/serviceTarget.ts';
import type { AuditRecord } from '../telemetry/audit.ts';
import type { OwnRequests } from './ownRequests.ts';

/** What Headlamp's backend answers by itself under the names of its own clusters (PX-45). */
export interface BackendRoutes {
  /**
   * What to send to the cluster; undefined where the request is answered. A promise only where the cluster is asked.
   * @param rest the raw path and query behind the cluster's name
   * @throws CodedError for what is not done here, and for what is refused
   */
  resolve(
    request: IncomingMessage,
    response: ServerResponse,
    asked: { readonly name: string; readonly rest: string },
    audit: AuditRecord,
  ): string | Promise<string | undefined>;
}

const ownRoute = /^\/(portforward|helm|serviceproxy|set-token)(\/|\?|$)/;

const instead: Readonly<Record<string, string>> = {
  portforward:
    'The dashboard forwards no ports of discovered clusters: use kubectl port-forward through the sidecar',
  helm: 'The dashboard manages no Helm releases of discovered clusters: use helm through the sidecar',
};

/** For an upgrade: none of them is one. @throws CodedError `not-implemented` that says what to use instead */
export function assertNoBackendRoute(rest: string): void {
  const route = ownRoute.exec(rest)?.[1];
  if (route !== undefined) throw notImplemented(route);
}

function notImplemented(route: string): CodedError {
  return new CodedError('not-implemented', instead[route]);
}

export function createBackendRoutes(requests: OwnRequests): BackendRoutes {
  const resolveService: (
    ...asked: Parameters<BackendRoutes['resolve']>
  ) => Promise<string | undefined> = async (request, response, { name, rest }, audit) => {
    const asked = parseServiceRequest(rest);
    if (request.method !== 'GET') throw new CodedError('method-refused');
    const series = await requests.begin(request, response, name, audit);
    // Whoever may not use what comes of it learns nothing of the Service.
    const example = buildServiceTarget(asked, { scheme: 'https', port: 443 });
    await series.assertAllowed({ method: 'GET', rest: example }, audit);
    const service = await series.ask({
      method: 'GET',
      rest: `/api/v1/namespaces/${asked.namespace}/services/${asked.name}`,
    });
    if (service.status !== 200) {
      writeAnswer(response, service);
      return undefined;
    }
    const port = findServicePort(parseJson(service.body.toString('utf8')));
    if (port === undefined) throw new CodedError('service-port-missing');
    return buildServiceTarget(asked, port);
  };
  return {
    resolve(request, response, asked, audit) {
      const route = ownRoute.exec(asked.rest)?.[1];
      if (route === undefined) return asked.rest;
      if (route !== 'serviceproxy') throw notImplemented(route);
      return resolveService(request, response, asked, audit);
    },
  };
}
