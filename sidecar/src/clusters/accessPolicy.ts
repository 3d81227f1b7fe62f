import {
  type AccessMode,
  type AccessPolicyFile,
  emptyAccessPolicyFile,
  type ExposableResource,
  type PolicyMatch,
  type PolicySettings,
} from '../config/accessPolicyFile.ts';
import { matchesGlob } from '../config/glob.ts';

/** As whom users go to a cluster under `impersonate` (ID-20, ID-22). */
export interface UserRules {
  readonly prefix: string;
  readonly groupPrefix: string;
  /** Never empty. */
  readonly serviceAccountPrefix: string;
  /** Whether the UID goes along. */
  readonly uid: boolean;
  /** The extra keys that go along. */
  readonly extraKeys: readonly string[];
}

/** What holds for one provider of one profile. */
export interface AccessRules {
  readonly mode: AccessMode;
  readonly readOnly: boolean;
  /** What may be read under `shared` and `readOnly` all the same. */
  readonly exposed: readonly ExposableResource[];
  /** Where the credential may go (AC-26); undefined where the policy does not say. */
  readonly allowedServers: readonly string[] | undefined;
  readonly allowInsecure: boolean;
  /** Whether any proxy may be used, or which (AC-24). */
  readonly allowProxyUrl: boolean | readonly string[];
  readonly allowHttp: boolean;
  readonly allowLoopback: boolean;
  readonly allowLinkLocal: boolean;
  /** The metadata services of clouds. */
  readonly allowMetadata: boolean;
  readonly users: UserRules;
  /** Why nobody is let through, in words for those who see the cluster. */
  readonly refused?: string;
}

/** The policy file and what holds where it says nothing. */
export interface AccessPolicy {
  readonly builtIn: AccessRules;
  readonly file: AccessPolicyFile;
  /**
   * Several namespaces of a hub are watched: whoever may write a ClusterProfile in one of them could have the
   * credential of every provider sent to themselves, so that servers have to be named (AC-26).
   */
  readonly requireAllowedServers: boolean;
}

/** In a pod: each user as themselves, and nothing that weakens a connection (AC-24, AC-25). */
export const podAccessPolicy: AccessPolicy = {
  builtIn: {
    mode: 'impersonate',
    readOnly: false,
    exposed: [],
    allowedServers: undefined,
    allowInsecure: false,
    allowProxyUrl: false,
    allowHttp: false,
    allowLoopback: false,
    allowLinkLocal: false,
    allowMetadata: false,
    users: { prefix: '', groupPrefix: '', serviceAccountPrefix: 'hub:', uid: false, extraKeys: [] },
  },
  file: emptyAccessPolicyFile,
  requireAllowedServers: false,
};

/** On the desktop: one user, whose credentials they are; kind, k3d and minikube publish loopback addresses. */
export const desktopAccessPolicy: AccessPolicy = {
  ...podAccessPolicy,
  builtIn: { ...podAccessPolicy.builtIn, mode: 'shared', allowLoopback: true },
};

/** What a decision is made from. `clusterManager` is empty where the profile names none. */
export interface PolicySubject {
  readonly root: string;
  readonly namespace: string;
  readonly clusterManager: string;
  readonly provider: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * What the policy says (ID-20): the first rule that matches; what it leaves out, the defaults of the file; what these
 * leave out, the built-in ones. Then labels, which can only narrow (TH-49).
 */
export function decideAccessRules(policy: AccessPolicy, subject: PolicySubject): AccessRules {
  const { file, builtIn } = policy;
  const rule = file.rules.find(({ match }) => matches(match, subject));
  const rules = complete(file.defaults, rule, builtIn);
  const narrowing = file.labels.filter(({ match }) =>
    [...match].every(([label, pattern]) => {
      const value = Object.hasOwn(subject.labels, label) ? subject.labels[label] : undefined;
      return value !== undefined && matchesGlob(pattern, value);
    }),
  );
  const isNarrowed = (mode: AccessMode): boolean =>
    mode === 'shared' && narrowing.some(({ narrow }) => narrow.mode === 'impersonate');
  const refused =
    // `defaults.refuse` is for what no rule is about; a rule says it by itself.
    (rule ?? file.defaults).refuse ??
    narrowing.flatMap(({ narrow }) => narrow.refuse ?? [])[0] ??
    findNamespaceFault(rule?.allowedNamespaces ?? file.defaults.allowedNamespaces, subject) ??
    findMissingServers(policy, rules, subject);
  return {
    ...rules,
    mode: isNarrowed(rules.mode) ? 'impersonate' : rules.mode,
    readOnly: rules.readOnly || narrowing.some(({ narrow }) => narrow.readOnly === true),
    ...(refused === undefined ? {} : { refused }),
  };
}

/** Providers that some profile could have without `allowedServers`: each is a warning (AC-26). */
export function findUnboundProviders(
  { file: { rules, defaults } }: AccessPolicy,
  providers: readonly string[],
): string[] {
  const isBound = (settings: PolicySettings): boolean =>
    settings.refuse !== undefined || (settings.allowedServers ?? defaults.allowedServers) !== undefined;
  return providers.filter((provider) => {
    for (const rule of rules) {
      if (!matchesAny(rule.match.provider, provider)) continue;
      if (!isBound(rule)) return true;
      const { root, namespace, clusterManager } = rule.match;
      const isForAll = root === undefined && namespace === undefined && clusterManager === undefined;
      if (isForAll) return false;
    }
    return !isBound(defaults);
  });
}

function matches(match: PolicyMatch, { root, namespace, clusterManager, provider }: PolicySubject): boolean {
  return (
    matchesAny(match.root, root) &&
    matchesAny(match.namespace, namespace) &&
    matchesAny(match.clusterManager, clusterManager) &&
    matchesAny(match.provider, provider)
  );
}

function matchesAny(patterns: readonly string[] | undefined, value: string): boolean {
  return patterns === undefined || patterns.some((pattern) => matchesGlob(pattern, value));
}

function complete(
  defaults: PolicySettings,
  rule: PolicySettings | undefined,
  builtIn: AccessRules,
): AccessRules {
  const said: PolicySettings = { ...defaults, ...rule };
  const allow = { ...defaults.allow, ...rule?.allow };
  return {
    mode: said.mode ?? builtIn.mode,
    readOnly: said.readOnly ?? builtIn.readOnly,
    exposed: said.exposeSecrets ?? builtIn.exposed,
    allowedServers: said.allowedServers ?? builtIn.allowedServers,
    allowInsecure: allow.insecure ?? builtIn.allowInsecure,
    allowProxyUrl: allow.proxyUrl ?? builtIn.allowProxyUrl,
    allowHttp: allow.http ?? builtIn.allowHttp,
    allowLoopback: allow.loopback ?? builtIn.allowLoopback,
    allowLinkLocal: allow.linkLocal ?? builtIn.allowLinkLocal,
    allowMetadata: allow.metadata ?? builtIn.allowMetadata,
    users: { ...builtIn.users, ...defaults.users, ...rule?.users },
  };
}

function findNamespaceFault(
  allowed: readonly string[] | undefined,
  { namespace, provider }: PolicySubject,
): string | undefined {
  return matchesAny(allowed, namespace)
    ? undefined
    : `the provider "${provider}" does not serve the namespace "${namespace}"`;
}

function findMissingServers(
  { requireAllowedServers }: AccessPolicy,
  { allowedServers }: AccessRules,
  { provider }: PolicySubject,
): string | undefined {
  return requireAllowedServers && allowedServers === undefined
    ? `it names no allowedServers for the provider "${provider}", which it has to where several namespaces are watched`
    : undefined;
}
