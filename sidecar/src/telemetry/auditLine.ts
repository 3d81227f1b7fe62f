import { type ErrorCode, errorDefinition } from '../foundation/errors.ts';

/** Of every line; another number when the meaning of a field changes. */
const auditSchema = 'cluster-inventory.headlamp.dev/audit/v1';

export type AuditEvent =
  | 'request'
  | 'stream-start'
  | 'stream-end'
  | 'sign-in'
  | 'sign-out'
  | 'check'
  | 'config-changed'
  | 'refusals-not-written'
  | 'lines-lost';

export interface AuditUser {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
}

/**
 * What is known of a request: references to what its way has made anyhow, of which a line is built only when it is
 * written. Nothing here holds a token, a query, a body or another header of the client.
 */
export interface AuditFacts {
  readonly event: 'sign-in' | 'sign-out' | 'check';
  readonly user: AuditUser;
  /** The hub could not confirm it lately (ID-18). */
  readonly isStale: boolean;
  /** The same as `user`, unless the client asked to act as another (ID-24). */
  readonly actsAs: AuditUser;
  /** As the path names it, whether there is such a cluster or not. */
  readonly clusterName: string;
  readonly cluster: {
    readonly key: string;
    readonly name: string;
    readonly provider: string | undefined;
    readonly profile: { readonly uid: string };
  };
  readonly mode: string;
  /** `Impersonate-*`, as they go upstream. */
  readonly identityHeaders: readonly (readonly [name: string, value: string])[];
  /** The hub's. */
  readonly verb: string;
  readonly asked: {
    readonly group: string;
    readonly resource: string;
    readonly subresource: string;
    readonly namespace: string;
    readonly name: string;
    readonly isWatch: boolean;
  };
  readonly isUpgrade: boolean;
  readonly isLong: boolean;
}

export type KnownFacts = { -readonly [Fact in keyof AuditFacts]?: AuditFacts[Fact] | undefined };

export interface AuditOutcome {
  readonly code: ErrorCode | undefined;
  readonly status: number | undefined;
  readonly durationMs: number;
  /** Absent at the start of a stream. */
  readonly bytes: { readonly in: number; readonly out: number } | undefined;
}

export type AuditFields = Readonly<Record<string, unknown>>;

const maxGroups = 50;
/** Whoever writes them, names are not longer than what Kubernetes and providers of identities give. */
const maxTextLength = 1024;

/** Something failed, but nobody was refused. */
const faults: ReadonlySet<ErrorCode> = new Set(['internal-error', 'shutting-down', 'dashboard-unreachable']);
/** Faults of a profile's access that the operator's policy makes ones. */
const policyRefusals: ReadonlySet<ErrorCode> = new Set([
  'policy-refused',
  'server-not-allowed',
  'server-address-refused',
  'server-not-https',
  'insecure-refused',
  'proxy-url-refused',
  'proxy-address-refused',
]);

/** Whether the sidecar refused: a cluster that cannot be reached refuses nobody. */
export function isRefusal(code: ErrorCode): boolean {
  return policyRefusals.has(code) || (errorDefinition(code).stage === undefined && !faults.has(code));
}

/** One line, with its end; absent fields are left out. */
export function formatLine(now: number, event: AuditEvent, fields: AuditFields): string {
  return `${writeHead(now, event)}${writeFields(fields)}}\n`;
}

function writeHead(now: number, event: AuditEvent): string {
  return `{"schema":"${auditSchema}","time":"${new Date(now).toISOString()}","event":"${event}"`;
}

/** As they stand in an object, behind others. */
function writeFields(fields: AuditFields): string {
  const text = JSON.stringify(fields).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}

/** The line of a request, with the fields of ID-30 in the order of docs/audit.md. */
export function formatRequest(
  now: number,
  event: AuditEvent,
  source: Pick<AuditFields, 'requestId' | 'sourceAddress'>,
  facts: KnownFacts,
  { code, status, durationMs, bytes }: AuditOutcome,
): string {
  const { user, actsAs, asked, identityHeaders } = facts;
  return [
    writeHead(now, event),
    writeFields(source),
    user ? writeOnce(user, describeUser) : '',
    facts.isStale ? ',"stale":true' : '',
    actsAs && actsAs !== user ? writeFields({ actsAs: describeUser(actsAs) }) : '',
    writeCluster(facts),
    facts.mode === undefined ? '' : `,"mode":${JSON.stringify(facts.mode)}`,
    identityHeaders?.length ? writeOnce(identityHeaders, describeIdentity) : '',
    writeFields({
      provider: facts.cluster?.provider,
      verb: facts.verb,
      apiGroup: nonEmpty(asked?.group),
      resource: nonEmpty(asked?.resource),
      subresource: nonEmpty(asked?.subresource),
      namespace: nonEmpty(asked?.namespace),
      name: nonEmpty(asked?.name),
      decision: code !== undefined && isRefusal(code) ? 'deny' : 'allow',
      code,
      status,
      durationMs,
      bytesIn: bytes?.in,
      bytesOut: bytes?.out,
    }),
    '}\n',
  ].join('');
}

/** Users, what is sent of them and profiles are the same objects for many requests. */
const written = new WeakMap<object, string>();

function writeOnce<About extends object>(about: About, describe: (about: About) => AuditFields): string {
  const present = written.get(about);
  if (present !== undefined) return present;
  const text = writeFields(describe(about));
  written.set(about, text);
  return text;
}

function writeCluster({ cluster, clusterName }: KnownFacts): string {
  if (cluster) {
    const { key, name, profile } = cluster;
    return writeOnce(profile, ({ uid }) => ({ cluster: { key, uid, name: cut(name) } }));
  }
  return clusterName === undefined ? '' : writeFields({ cluster: { name: cut(clusterName) } });
}

function describeUser({ name, uid, groups }: AuditUser): AuditFields {
  return { user: cut(name), uid: nonEmpty(uid), ...describeGroups(groups) };
}

function describeGroups(groups: readonly string[]): AuditFields {
  return {
    groups: groups.slice(0, maxGroups).map(cut),
    groupCount: groups.length > maxGroups ? groups.length : undefined,
  };
}

/** Each character of a header's value is a byte of UTF-8. */
function describeIdentity(headers: AuditFacts['identityHeaders']): AuditFields {
  const valuesOf = (wanted: string): string[] =>
    headers
      .filter(([name]) => name === wanted)
      .map(([, value]) => Buffer.from(value, 'latin1').toString('utf8'));
  const [name = ''] = valuesOf('Impersonate-User');
  return { identitySent: { user: cut(name), ...describeGroups(valuesOf('Impersonate-Group')) } };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text ? cut(text) : undefined;
}

function cut(text: string): string {
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text;
}
