import type { ApiServer } from './apiServer.ts';

/** A user or a group, as an API server's RBAC knows them. A ServiceAccount is the user `system:serviceaccount:…`. */
export type Subject = { readonly user: string } | { readonly group: string };

export interface AccessAttributes {
  readonly verb: string;
  /** The core group if not told. */
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  /** All of them if not told. */
  readonly namespace?: string;
  readonly name?: string;
}

export interface AccessReview {
  readonly allowed: boolean;
  /** Names the binding that allows it. */
  readonly reason?: string;
}

/** Whether somebody may do something: a SubjectAccessReview by the admin. */
export async function reviewAccess(
  { client }: Pick<ApiServer, 'client'>,
  subject: Subject,
  resourceAttributes: AccessAttributes,
): Promise<AccessReview> {
  const { status } = await client.create<{ readonly status: AccessReview }>(
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: unnamed,
      spec: {
        resourceAttributes,
        ...('user' in subject ? { user: subject.user } : { user: 'somebody', groups: [subject.group] }),
      },
    },
  );
  return status;
}

export interface TokenReview {
  /** Undefined where it is not. */
  readonly authenticated?: boolean;
  readonly user: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  readonly error?: string;
}

/** Whom a token belongs to: a TokenReview by the admin. */
export async function reviewToken(
  { client }: Pick<ApiServer, 'client'>,
  token: string,
  audiences?: readonly string[],
): Promise<TokenReview> {
  const { status } = await client.create<{ readonly status: TokenReview }>(
    '/apis/authentication.k8s.io/v1/tokenreviews',
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: unnamed,
      spec: { token, ...(audiences === undefined ? {} : { audiences }) },
    },
  );
  return status;
}

/** A review is not stored: the API server refuses one with a name. */
const unnamed = { name: '' };
