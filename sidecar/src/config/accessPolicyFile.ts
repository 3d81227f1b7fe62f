import { LineCounter, parseDocument } from 'yaml';
import { CodedError } from '../foundation/errors.ts';
import {
  createPlace,
  type Decode,
  fieldsOf,
  flag,
  listOf,
  mapOf,
  oneOf,
  type Place,
  text,
} from './decode.ts';
import { isLabelKey } from './labelSelector.ts';
import { findServerPatternFault } from './serverPattern.ts';

/** As whom a request goes to a cluster (ID-20). */
export const accessModes = ['impersonate', 'shared', 'passthrough'] as const;
export type AccessMode = (typeof accessModes)[number];

/** What a read-only user may not read unless the policy names it. */
export const exposableResources = ['secrets', 'serviceaccounts/token'] as const;
export type ExposableResource = (typeof exposableResources)[number];

/** What a rule says, or the defaults; what is absent is somebody else's to say. */
export interface PolicySettings {
  readonly mode?: AccessMode;
  readonly readOnly?: boolean;
  readonly exposeSecrets?: readonly ExposableResource[];
  /** Checked; `matchesServerPattern` reads them. */
  readonly allowedServers?: readonly string[];
  readonly allowedNamespaces?: readonly string[];
  readonly allow?: {
    readonly insecure?: boolean;
    /** Any proxy, or those that these name, as `allowedServers` does servers. */
    readonly proxyUrl?: boolean | readonly string[];
    readonly http?: boolean;
    readonly loopback?: boolean;
    readonly linkLocal?: boolean;
    readonly metadata?: boolean;
  };
  readonly users?: {
    readonly prefix?: string;
    readonly groupPrefix?: string;
    readonly serviceAccountPrefix?: string;
    readonly uid?: boolean;
    readonly extraKeys?: readonly string[];
  };
  /** Why nobody is let through, for those who see the cluster. */
  readonly refuse?: string;
}

/** Globs; each that is there has to match, by one of its patterns. */
export interface PolicyMatch {
  readonly root?: readonly string[];
  readonly namespace?: readonly string[];
  readonly clusterManager?: readonly string[];
  readonly provider?: readonly string[];
}

export interface PolicyRule extends PolicySettings {
  readonly match: PolicyMatch;
}

/** What labels may do: nothing here can widen (TH-49). */
export interface LabelRule {
  /** Label to glob; all of them have to match. */
  readonly match: ReadonlyMap<string, string>;
  readonly narrow: { readonly mode?: 'impersonate'; readonly readOnly?: true; readonly refuse?: string };
}

/** An access policy file, checked and frozen. docs/access-policy.md explains it. */
export interface AccessPolicyFile {
  readonly defaults: PolicySettings;
  /** In the file's order, which decides. */
  readonly rules: readonly PolicyRule[];
  readonly labels: readonly LabelRule[];
}

export const emptyAccessPolicyFile: AccessPolicyFile = Object.freeze({ defaults: {}, rules: [], labels: [] });

const glob = text((value) => (value === '' ? 'is empty' : undefined));
const serverPattern = text(findServerPatternFault);
/** Any, none, or those that are named. */
const proxies: Decode<boolean | readonly string[]> = (value, place) =>
  Array.isArray(value) ? listOf(serverPattern)(value, place) : flag(value, place);
const reason = text((value) =>
  value.trim() === '' || value.length > 300 ? 'is not a reason of 1 to 300 characters' : undefined,
);

/** One glob, or a list of them. */
const globs: Decode<readonly string[]> = (value, place) => {
  if (Array.isArray(value)) return value.length === 0 ? place.fault('is empty') : listOf(glob)(value, place);
  const single = glob(value, place);
  return single === null ? null : Object.freeze([single]);
};

/** Put before a name it must never make one of Kubernetes' own, whatever the name is (ID-22). */
const prefix = text((value) => {
  if (!/^[!-~]{0,64}$/.test(value)) return 'is not up to 64 visible ASCII characters';
  const own = 'system:';
  const leadsToOwn = value.startsWith(own) || (value !== '' && own.startsWith(value));
  return leadsToOwn ? `"${value}" is how Kubernetes’ own names begin` : undefined;
});

const serviceAccountPrefix: Decode<string> = (value, place) =>
  value === '' ? place.fault('is empty; a ServiceAccount never goes by its own name') : prefix(value, place);

const extraKey = text((value) =>
  /^[a-z0-9][a-z0-9._/-]{0,252}$/.test(value) ? undefined : `"${value}" is not a key in lower case`,
);

const settings = {
  mode: oneOf(...accessModes),
  readOnly: flag,
  exposeSecrets: listOf(oneOf(...exposableResources)),
  allowedServers: listOf(serverPattern),
  allowedNamespaces: listOf(glob),
  allow: fieldsOf({
    insecure: flag,
    proxyUrl: proxies,
    http: flag,
    loopback: flag,
    linkLocal: flag,
    metadata: flag,
  }),
  users: fieldsOf({
    prefix,
    groupPrefix: prefix,
    serviceAccountPrefix,
    uid: flag,
    extraKeys: listOf(extraKey),
  }),
  refuse: reason,
};

const matchFields = fieldsOf({ root: globs, namespace: globs, clusterManager: globs, provider: globs });
const match: Decode<PolicyMatch> = (value, place) => {
  const decoded = matchFields(value, place);
  return decoded && isEmpty(value)
    ? place.fault('is empty; what holds for all is said in defaults')
    : decoded;
};

const defaults: Decode<PolicySettings> = (value, place) =>
  requireServers(fieldsOf(settings)(value, place), place);

const rule: Decode<PolicyRule> = (value, place) => {
  const decoded = requireServers(fieldsOf({ match, ...settings }, ['match'])(value, place), place);
  return decoded?.match ? Object.freeze({ ...decoded, match: decoded.match }) : null;
};

const narrowFields = fieldsOf({ mode: oneOf('impersonate'), readOnly: oneOf(true), refuse: reason });
const narrow: Decode<LabelRule['narrow']> = (value, place) => {
  const decoded = narrowFields(value, place);
  return decoded && isEmpty(value) ? place.fault('is empty') : decoded;
};

const labelMatch = mapOf(
  (key) => (isLabelKey(key) ? undefined : `"${key}" is not a label key`),
  text(() => undefined),
);
const labelRule: Decode<LabelRule> = (value, place) => {
  const decoded = fieldsOf({ match: labelMatch, narrow }, ['match', 'narrow'])(value, place);
  return decoded?.match && decoded.narrow
    ? Object.freeze({ match: decoded.match, narrow: decoded.narrow })
    : null;
};

const file = fieldsOf(
  {
    apiVersion: oneOf('cluster-inventory.headlamp.dev/v1alpha1'),
    kind: oneOf('AccessPolicy'),
    defaults,
    rules: listOf(rule),
    labels: listOf(labelRule),
  },
  ['apiVersion', 'kind'],
);

/** A user's own token is never sent where any author of a profile points it. */
function requireServers<Settings extends PolicySettings>(
  decoded: Settings | null,
  place: Place,
): Settings | null {
  return decoded?.mode === 'passthrough' && decoded.allowedServers === undefined
    ? place.at('allowedServers').fault('is missing; passthrough sends the users’ own tokens there')
    : decoded;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** The file, or all that is wrong with it, each with its place. Unknown keys and nulls are faults: no typo widens. */
export function checkAccessPolicyFile(
  content: string,
): { readonly file: AccessPolicyFile } | { readonly faults: readonly string[] } {
  const lineCounter = new LineCounter();
  const document = parseDocument(content, { lineCounter, prettyErrors: false });
  const positions = document.errors.map(({ pos, message }) => {
    const { line, col } = lineCounter.linePos(pos[0]);
    return `line ${line}, column ${col}: ${message}`;
  });
  if (positions.length > 0) return { faults: positions };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 10 });
  } catch {
    return { faults: ['has too many aliases'] };
  }
  const faults: string[] = [];
  const decoded = file(value, createPlace(faults));
  if (!decoded || faults.length > 0) return { faults };
  return {
    file: Object.freeze({
      defaults: decoded.defaults ?? {},
      rules: decoded.rules ?? [],
      labels: decoded.labels ?? [],
    }),
  };
}

/** @throws CodedError `access-policy-invalid` that names every fault */
export function parseAccessPolicyFile(content: string): AccessPolicyFile {
  const checked = checkAccessPolicyFile(content);
  if ('file' in checked) return checked.file;
  throw new CodedError('access-policy-invalid', `is not valid: ${checked.faults.join('; ')}`);
}
