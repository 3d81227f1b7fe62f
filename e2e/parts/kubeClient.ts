import { Agent, request } from 'undici';

/** An object of the Kubernetes API, as far as this library looks at it. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

export interface KubeAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface KubeClientOptions {
  /** Base address; what it has as a path goes in front of every path. */
  readonly url: string;
  /** PEM. */
  readonly ca?: string;
  readonly token?: string;
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
}

/**
 * A client for tests and the demo. Paths are those of the API, without the base address, e.g.
 * `/api/v1/namespaces/default/pods`. All but `raw` throw a KubeError for anything above 299.
 */
export interface KubeClient {
  raw(method: Method, path: string, options?: RawOptions): Promise<KubeAnswer>;
  get<T = KubeObject>(path: string): Promise<T>;
  list<T = KubeObject>(path: string): Promise<readonly T[]>;
  create<T = KubeObject>(path: string, object: KubeObject): Promise<T>;
  /** Creates, or merges into what is there; the path ends in the object's name. */
  apply<T = KubeObject>(path: string, object: KubeObject): Promise<T>;
  /** A JSON merge patch; null removes. */
  patch<T = KubeObject>(path: string, patch: object): Promise<T>;
  /** A JSON merge patch of the status subresource. */
  patchStatus<T = KubeObject>(path: string, status: object): Promise<T>;
  delete(path: string): Promise<void>;
  close(): Promise<void>;
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

export interface RawOptions {
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function createKubeClient({ url, ca, token, clientCertificate }: KubeClientOptions): KubeClient {
  const agent = new Agent({
    allowH2: false,
    connect: {
      ...(ca === undefined ? {} : { ca }),
      ...(clientCertificate ? { cert: clientCertificate.certificate, key: clientCertificate.key } : {}),
    },
  });
  const base = url.replace(/\/+$/, '');

  const raw = async (
    method: Method,
    path: string,
    { body, headers }: RawOptions = {},
  ): Promise<KubeAnswer> => {
    const answer = await request(base + path, {
      dispatcher: agent,
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const contentType = answer.headers['content-type'];
    return {
      status: answer.statusCode,
      contentType: String(contentType ?? ''),
      text: await answer.body.text(),
    };
  };

  const call = async <T>(method: Method, path: string, body?: object, contentType?: string): Promise<T> => {
    const { status, text } = await raw(method, path, {
      ...(body === undefined ? {} : { body }),
      ...(contentType === undefined ? {} : { headers: { 'content-type': contentType } }),
    });
    if (status > 299) throw new KubeError(status, `${method} ${path}: ${status} ${text.slice(0, 500)}`);
    // The caller names the type: what these servers answer is known.
    return JSON.parse(text) as T;
  };

  const merge = 'application/merge-patch+json';
  return {
    raw,
    get: (path) => call('GET', path),
    list: async <T>(path: string) => (await call<{ readonly items: readonly T[] }>('GET', path)).items,
    create: (path, object) => call('POST', path, object),
    // Not server-side apply: for its first one a fresh API server takes seconds.
    apply: async <T>(path: string, object: KubeObject) => {
      try {
        return await call<T>('POST', path.slice(0, path.lastIndexOf('/')), object);
      } catch (error) {
        if (!(error instanceof KubeError) || error.status !== 409) throw error;
        return call<T>('PATCH', path, object, merge);
      }
    },
    patch: (path, patch) => call('PATCH', path, patch, merge),
    patchStatus: (path, status) => call('PATCH', `${path}/status`, { status }, merge),
    delete: async (path) => {
      await call('DELETE', path);
    },
    close: () => agent.destroy(),
  };
}
