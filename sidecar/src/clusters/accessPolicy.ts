/**
 * What a profile may ask for. Until the access policy file there is one for all: the defaults of where the sidecar
 * runs. Nothing that weakens a connection is let through (AC-24, AC-25).
 */
export interface AccessPolicy {
  readonly allowInsecure: boolean;
  readonly allowProxyUrl: boolean;
  readonly allowHttp: boolean;
  /** On the desktop kind, k3d and minikube publish loopback addresses; in a pod nothing of a cluster is there. */
  readonly allowLoopback: boolean;
}

export const podAccessPolicy: AccessPolicy = {
  allowInsecure: false,
  allowProxyUrl: false,
  allowHttp: false,
  allowLoopback: false,
};

export const desktopAccessPolicy: AccessPolicy = { ...podAccessPolicy, allowLoopback: true };
