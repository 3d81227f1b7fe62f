import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ApiServer } from './apiServer.ts';
import type { KubeClient, KubeObject } from './kubeClient.ts';
import { applyManifest, readManifest } from './manifests.ts';
import { reviewAccess, type AccessAttributes, type Subject } from './reviews.ts';
import { until } from './until.ts';

/** The manifests that people get: the tests use the same. */
export const rbacFolder = join(import.meta.dirname, '..', '..', 'docs', 'rbac');

/** In force when it is given; so is its end when `revoke` resolves. */
export interface Grant {
  revoke(): Promise<void>;
}

export type HubGrantOptions = Subject & {
  readonly role: 'viewer' | 'operator';
  /** All namespaces if not told; with `names` it is `default`. */
  readonly namespace?: string;
  /** Of ClusterProfiles: the grant is for these alone. */
  readonly names?: readonly string[];
};

/** Lets somebody see clusters and send requests to them. */
export async function grantOnHub(
  hub: Pick<ApiServer, 'client'>,
  { role, namespace, names, ...subject }: HubGrantOptions,
): Promise<Grant> {
  const probe = {
    verb: role === 'viewer' ? 'get' : 'delete',
    group: 'multicluster.x-k8s.io',
    resource: 'clusterprofiles',
    subresource: 'proxy',
  };
  const file = join(rbacFolder, `hub-${role}.yaml`);
  const clusterRole = `cluster-inventory-${role}`;
  if (names === undefined) {
    await applyManifest(hub.client, file);
    return bind(hub, {
      subject,
      roleRef: { kind: 'ClusterRole', name: clusterRole },
      ...(namespace === undefined ? { probe } : { namespace, probe: { ...probe, namespace } }),
    });
  }
  const [first] = names;
  if (first === undefined) throw new Error('a grant by name needs a name');
  const inNamespace = namespace ?? 'default';
  const rules = readManifest(file).flatMap((object) => object['rules'] as readonly object[]);
  const own = createName(clusterRole);
  const roles = `${rbacPath}/namespaces/${inNamespace}/roles`;
  await hub.client.create(roles, {
    ...rbacObject('Role', own, inNamespace),
    rules: rules.map((rule) => ({ ...rule, resourceNames: names })),
  });
  const grant = await bind(hub, {
    subject,
    namespace: inNamespace,
    roleRef: { kind: 'Role', name: own },
    probe: { ...probe, namespace: inNamespace, name: first },
  });
  return {
    revoke: async () => {
      await grant.revoke();
      await hub.client.delete(`${roles}/${own}`);
    },
  };
}

/** Lets the user of a provider's credential act as others on a spoke. */
export async function allowImpersonation(
  spoke: Pick<ApiServer, 'client'>,
  providerUser: string,
): Promise<Grant> {
  await applyManifest(spoke.client, join(rbacFolder, 'spoke-impersonator.yaml'));
  return bind(spoke, {
    subject: { user: providerUser },
    roleRef: { kind: 'ClusterRole', name: 'cluster-inventory-impersonator' },
    probe: { verb: 'impersonate', resource: 'users' },
  });
}

export type SpokeGrantOptions = Subject & { readonly clusterRole: 'view' | 'edit' | 'cluster-admin' };

/** What somebody may do inside a spoke, in all namespaces. */
export async function grantOnSpoke(
  spoke: Pick<ApiServer, 'client'>,
  { clusterRole, ...subject }: SpokeGrantOptions,
): Promise<Grant> {
  if (clusterRole !== 'cluster-admin') await aggregateClusterRoles(spoke.client);
  const probes: Record<SpokeGrantOptions['clusterRole'], AccessAttributes> = {
    view: { verb: 'list', resource: 'pods' },
    edit: { verb: 'create', resource: 'pods' },
    'cluster-admin': { verb: '*', group: '*', resource: '*' },
  };
  return bind(spoke, {
    subject,
    roleRef: { kind: 'ClusterRole', name: clusterRole },
    probe: probes[clusterRole],
  });
}

export interface ServiceAccountTokenOptions {
  readonly namespace: string;
  readonly name: string;
  /** The API server takes no less than 600. */
  readonly expirationSeconds?: number;
  /** The API server's own if not told. */
  readonly audiences?: readonly string[];
}

/** A token by TokenRequest; the ServiceAccount and its namespace are made where they are missing. */
export async function createServiceAccountToken(
  { client }: Pick<ApiServer, 'client'>,
  { namespace, name, expirationSeconds, audiences }: ServiceAccountTokenOptions,
): Promise<string> {
  const core = { apiVersion: 'v1' };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`;
  await client.apply(`/api/v1/namespaces/${namespace}`, {
    ...core,
    kind: 'Namespace',
    metadata: { name: namespace },
  });
  await client.apply(path, { ...core, kind: 'ServiceAccount', metadata: { name, namespace } });
  const { status } = await client.create<{ readonly status: { readonly token: string } }>(`${path}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name, namespace },
    spec: {
      ...(expirationSeconds === undefined ? {} : { expirationSeconds }),
      ...(audiences === undefined ? {} : { audiences }),
    },
  });
  return status.token;
}

const rbacGroup = 'rbac.authorization.k8s.io';
const rbacPath = `/apis/${rbacGroup}/v1`;
const patience = { timeoutMs: 30_000, intervalMs: 20 };

interface BindOptions {
  readonly subject: Subject;
  readonly roleRef: { readonly kind: 'ClusterRole' | 'Role'; readonly name: string };
  /** None binds in all namespaces. */
  readonly namespace?: string;
  /** What the binding allows: the authorizer learns of a change a little later than the store. */
  readonly probe: AccessAttributes;
}

async function bind(
  server: Pick<ApiServer, 'client'>,
  { subject, roleRef, namespace, probe }: BindOptions,
): Promise<Grant> {
  const { client } = server;
  const name = createName(roleRef.name);
  const [kind, path] =
    namespace === undefined
      ? ['ClusterRoleBinding', `${rbacPath}/clusterrolebindings`]
      : ['RoleBinding', `${rbacPath}/namespaces/${namespace}/rolebindings`];
  await client.create(path, {
    ...rbacObject(kind, name, namespace),
    roleRef: { apiGroup: rbacGroup, ...roleRef },
    subjects: [
      {
        apiGroup: rbacGroup,
        ...('user' in subject
          ? { kind: 'User', name: subject.user }
          : { kind: 'Group', name: subject.group }),
      },
    ],
  });
  await until(async () => (await reviewAccess(server, subject, probe)).allowed, {
    ...patience,
    message: `the binding ${name} is in force`,
  });
  return {
    revoke: async () => {
      await client.delete(`${path}/${name}`);
      await until(async () => !(await reviewAccess(server, subject, probe)).reason?.includes(name), {
        ...patience,
        message: `the binding ${name} is out of force`,
      });
    },
  };
}

/**
 * Gives `view` and `edit` their rules. They are the sum of other roles, and the controller that adds those up is part of
 * kube-controller-manager, which no server here has: without this both roles are empty.
 */
async function aggregateClusterRoles(client: KubeClient): Promise<void> {
  interface ClusterRole extends KubeObject {
    readonly rules?: readonly object[] | null;
    readonly aggregationRule?: {
      readonly clusterRoleSelectors?: readonly { readonly matchLabels?: Readonly<Record<string, string>> }[];
    };
  }
  const path = `${rbacPath}/clusterroles`;
  // In this order: `view` is a part of `edit`.
  for (const name of ['view', 'edit']) {
    const { rules, aggregationRule } = await client.get<ClusterRole>(`${path}/${name}`);
    if (rules && rules.length > 0) continue;
    const parts = (await client.list<ClusterRole>(path)).filter(({ metadata: { labels = {} } }) =>
      aggregationRule?.clusterRoleSelectors?.some(({ matchLabels = {} }) =>
        Object.entries(matchLabels).every(([key, value]) => labels[key] === value),
      ),
    );
    await client.patch(`${path}/${name}`, { rules: parts.flatMap((part) => part.rules ?? []) });
  }
}

function rbacObject(kind: string, name: string, namespace?: string): KubeObject {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  };
}

/** Several grants of the same role do not meet. */
function createName(role: string): string {
  return `${role}-${randomBytes(5).toString('hex')}`;
}
