/** The stages of a cluster's status, in the order in which they are walked (docs/design.md). */
export const stages = ['profile', 'access', 'credential', 'connection', 'api', 'permission'] as const;
export type Stage = (typeof stages)[number];

interface ErrorDefinition {
  /** HTTP status of an answer that carries this error. */
  readonly status: number;
  /** `reason` of the `metav1.Status` (apimachinery `StatusReason`). */
  readonly reason: string;
  /** When to try again, in whole seconds; absent where that helps nobody. */
  readonly retryAfterSeconds?: number;
  /** Where a cluster's status failed; absent for errors of a request or of the process. */
  readonly stage?: Stage;
  /** What happened, in words for people. */
  readonly summary: string;
}

/** Headlamp takes 408, 502 and 504 for a cluster that cannot be reached; at 503 it asks for a token (PX-04). */
const unavailable = 502;

const profile = (summary: string): ErrorDefinition => ({
  status: unavailable,
  reason: 'ServiceUnavailable',
  stage: 'profile',
  summary,
});
const access = (summary: string): ErrorDefinition => ({
  status: unavailable,
  reason: 'ServiceUnavailable',
  stage: 'access',
  summary,
});
const credential = (summary: string): ErrorDefinition => ({
  status: 502,
  reason: 'InternalError',
  stage: 'credential',
  summary,
});
const connection = (summary: string, status = 502): ErrorDefinition => ({
  status,
  reason: status === 504 ? 'Timeout' : 'InternalError',
  stage: 'connection',
  summary,
});
const badRequest = (summary: string): ErrorDefinition => ({ status: 400, reason: 'BadRequest', summary });
const fatal = (summary: string): ErrorDefinition => ({ status: 500, reason: 'InternalError', summary });

/** Every error this software can name. docs/errors.md explains each; a test holds both against each other. */
export const errorRegistry = {
  'profile-invalid': profile('The ClusterProfile cannot be read'),
  'profile-being-removed': profile('The cluster is being removed from the inventory'),

  'no-access-provider': access('The ClusterProfile names no access provider'),
  'no-matching-provider': access('None of the access providers of the ClusterProfile is configured here'),
  'provider-disabled': access('The provider is configured with an error'),
  'server-invalid': access('The address of the API server is missing or not a URL'),
  'server-not-https': access('The address of the API server is not https'),
  'server-address-refused': access('The address of the API server is one that clusters may not have'),
  'ca-invalid': access('The certificate authority data is not PEM'),
  'ca-path-refused': access('The ClusterProfile names a certificate authority file; only data is accepted'),
  'ca-with-insecure': access('The ClusterProfile has a certificate authority and skips verification'),
  'insecure-refused': access('Skipping certificate verification is not allowed for this provider'),
  'proxy-url-invalid': access('The proxy URL is not an http, https or socks5 URL'),
  'proxy-url-refused': access('A proxy is not allowed for this provider'),
  'proxy-address-refused': access('The address of the proxy is one that proxies may not have'),
  'tls-server-name-invalid': access('The TLS server name is not a host name'),
  'extension-invalid': access('An extension of the access provider has the wrong shape'),
  'server-not-allowed': access('The access policy does not allow this API server for the provider'),
  'policy-refused': access('The access policy refuses the cluster'),

  'plugin-not-found': credential('The credential plugin is not installed'),
  'plugin-not-executable': credential('The credential plugin cannot be executed'),
  'plugin-not-started': credential('The credential plugin could not be started'),
  'plugin-exec-info-too-large': credential('The cluster information is too large for the credential plugin'),
  'plugin-exited': credential('The credential plugin failed'),
  'plugin-killed': credential('The credential plugin was ended by a signal'),
  'plugin-timeout': credential('The credential plugin took too long'),
  'plugin-output-too-large': credential('The credential plugin wrote too much'),
  'plugin-output-invalid': credential('The credential plugin did not answer an ExecCredential'),
  'plugin-credential-incomplete': credential('The credential plugin answered no complete credential'),
  'plugin-certificate-invalid': credential(
    'The credential plugin answered a certificate that cannot be used',
  ),
  'plugin-token-invalid': credential('The credential plugin answered a token that cannot be sent'),
  'plugin-expiry-invalid': credential('The credential plugin answered an expiry that is not RFC 3339'),
  'plugin-credential-rejected': credential('The cluster rejects the credential that the plugin answers'),
  'plugin-ended': credential('The run of the credential plugin was ended because its cluster went away'),

  'name-not-found': connection('The name of the API server cannot be resolved'),
  'connection-refused': connection('The API server refuses connections'),
  'connection-reset': connection('The API server closed the connection'),
  'connection-failed': connection('The API server cannot be reached'),
  'connect-timeout': connection('The API server does not accept connections in time', 504),
  'tls-untrusted': connection('The certificate of the API server is not trusted'),
  'tls-name-mismatch': connection('The certificate of the API server is for another name'),
  'tls-expired': connection('The certificate of the API server is expired or not yet valid'),
  'tls-failed': connection('The TLS handshake with the API server failed'),
  'http2-only': connection('The API server insists on HTTP/2'),
  'proxy-unreachable': connection('The proxy of the cluster cannot be reached'),
  'proxy-timeout': connection('The proxy of the cluster does not lead to the API server in time', 504),
  'proxy-tls-failed': connection('The TLS handshake with the proxy of the cluster failed'),
  'proxy-auth-required': connection('The proxy of the cluster does not accept the user of its URL'),
  'proxy-refused': connection('The proxy of the cluster refuses to lead to the API server'),
  'proxy-target-unreachable': connection('The proxy of the cluster cannot reach the API server'),
  'proxy-answer-invalid': connection('The proxy of the cluster does not speak the protocol of its URL'),
  'response-timeout': connection('The API server did not answer in time', 504),
  'response-invalid': connection('The API server answered something that is not HTTP'),
  'redirect-refused': connection('The API server redirects to another server'),

  'api-unexpected': {
    status: 502,
    reason: 'InternalError',
    stage: 'api',
    summary: 'What answers at the address does not tell the version of an API server',
  },

  'provider-may-not-impersonate': {
    status: unavailable,
    reason: 'ServiceUnavailable',
    stage: 'permission',
    summary: 'The cluster does not let the provider impersonate users',
  },

  'cluster-unknown': { status: 404, reason: 'NotFound', summary: 'There is no such cluster' },
  'path-unknown': { status: 404, reason: 'NotFound', summary: 'There is nothing at this path' },
  'service-port-missing': {
    status: 404,
    reason: 'NotFound',
    summary: 'The Service has no port named https or http',
  },
  'request-malformed': badRequest('The request is not HTTP'),
  'headers-too-large': {
    status: 431,
    reason: 'BadRequest',
    summary: 'The headers of the request are too large',
  },
  'headers-timeout': {
    status: 408,
    reason: 'Timeout',
    summary: 'The headers of the request did not come in time',
  },
  'expectation-refused': {
    status: 417,
    reason: 'BadRequest',
    summary: 'What the request expects of the server is not known here',
  },
  'path-refused': badRequest('The path of the request is not canonical'),
  'upgrade-invalid': badRequest('The upgrade request is not valid'),
  'host-refused': badRequest('The Host of the request is not served here'),
  'headers-refused': badRequest('The headers of the request cannot be sent to the cluster'),
  'body-invalid': badRequest('The body of the request is not what is expected here'),
  'body-too-large': {
    status: 413,
    reason: 'RequestEntityTooLarge',
    summary: 'The body of the request is too large',
  },
  'media-type-refused': {
    status: 415,
    reason: 'UnsupportedMediaType',
    summary: 'The body of the request is of a type that is not read here',
  },
  'method-refused': { status: 405, reason: 'MethodNotAllowed', summary: 'The method is not allowed' },
  'sign-in-required': { status: 401, reason: 'Unauthorized', summary: 'Sign in on the hub' },
  'token-rejected': { status: 401, reason: 'Unauthorized', summary: 'The hub does not accept the token' },
  'users-differ': {
    status: 401,
    reason: 'Unauthorized',
    summary: 'The request carries the tokens of two different users',
  },
  'reviews-unavailable': {
    status: unavailable,
    reason: 'ServiceUnavailable',
    summary: 'The hub cannot be asked who you are and what you may do',
  },
  'too-many-reviews': {
    status: 429,
    reason: 'TooManyRequests',
    retryAfterSeconds: 1,
    summary: 'The hub was asked about you too often',
  },
  'access-denied': { status: 403, reason: 'Forbidden', summary: 'The hub does not let you do this' },
  'read-only': { status: 403, reason: 'Forbidden', summary: 'This cluster is read-only here' },
  'too-many-drains': {
    status: 429,
    reason: 'TooManyRequests',
    summary: 'Too many nodes are being drained',
  },
  'too-many-streams': {
    status: 429,
    reason: 'TooManyRequests',
    summary: 'Too many event streams are open',
  },
  'too-many-streams-of-user': {
    status: 429,
    reason: 'TooManyRequests',
    retryAfterSeconds: 5,
    summary: 'Too many of your watches, logs and terminals are open',
  },
  'too-many-streams-of-cluster': {
    status: 429,
    reason: 'TooManyRequests',
    retryAfterSeconds: 5,
    summary: 'Too many watches, logs and terminals of this cluster are open',
  },
  'too-many-streams-in-all': {
    status: 503,
    reason: 'ServiceUnavailable',
    retryAfterSeconds: 5,
    summary: 'Too many watches, logs and terminals are open',
  },
  'too-many-requests-of-cluster': {
    status: 429,
    reason: 'TooManyRequests',
    retryAfterSeconds: 1,
    summary: 'Too many requests to this cluster are under way',
  },
  'identity-refused': {
    status: 403,
    reason: 'Forbidden',
    summary: 'This user cannot be carried over to a cluster',
  },
  'identity-missing': fatal('The identity for the cluster is missing'),
  'impersonation-invalid': badRequest('The impersonation headers are not valid'),
  'impersonation-refused': {
    status: 403,
    reason: 'Forbidden',
    summary: 'The hub does not let you act as this user or group',
  },
  'origin-refused': { status: 403, reason: 'Forbidden', summary: 'The request comes from another origin' },
  'not-implemented': {
    status: 501,
    reason: 'InternalError',
    summary: 'This is not available for discovered clusters',
  },
  'dashboard-unreachable': { status: 502, reason: 'InternalError', summary: 'The dashboard does not answer' },
  'dashboard-restarting': {
    status: 503,
    reason: 'ServiceUnavailable',
    summary: 'The dashboard is starting anew',
  },
  'out-of-descriptors': {
    status: 503,
    reason: 'ServiceUnavailable',
    retryAfterSeconds: 1,
    summary: 'The sidecar has as many connections open as it may have',
  },
  'shutting-down': { status: 503, reason: 'ServiceUnavailable', summary: 'The sidecar is shutting down' },
  'internal-error': fatal('Something went wrong inside the sidecar'),

  'hub-unreachable': fatal('The hub does not answer'),
  'hub-refused': fatal('The hub refuses the request'),
  'options-invalid': fatal('The options are not valid'),
  'provider-file-invalid': fatal('The provider file cannot be used'),
  'access-policy-invalid': fatal('The access policy cannot be used'),
  'tls-pair-invalid': fatal('The serving certificate and its key cannot be used'),
  'kubeconfig-invalid': fatal('The kubeconfig cannot be used'),
  'listen-failed': fatal('The address to listen on cannot be used'),
} as const satisfies Readonly<Record<string, ErrorDefinition>>;

export type ErrorCode = keyof typeof errorRegistry;

/** The registry's entry of a code, with optional fields visible. */
export function errorDefinition(code: ErrorCode): ErrorDefinition {
  return errorRegistry[code];
}
