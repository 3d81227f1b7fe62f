import type { Credential, CredentialSource } from './credential.ts';

const nothing: Credential = { connectionKey: '' };

/** Where users bring their own token (`passthrough`, ID-20): no plugin is run, and nothing is added. */
export const noCredential: CredentialSource = {
  get: () => Promise.resolve(nothing),
  current: () => nothing,
  reject: () => undefined,
  close: () => undefined,
};
