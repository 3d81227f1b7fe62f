import type { CredentialSource } from './credential.ts';

/** Where users bring their own token (`passthrough`, ID-20): no plugin is run, and nothing is added. */
export const noCredential: CredentialSource = {
  get: () => Promise.resolve({ connectionKey: '' }),
  reject: () => undefined,
  close: () => undefined,
};
