import type { AuthMode } from '../config/options.ts';
import type { OptionTexts } from '../config/readOptionTexts.ts';
import { kubeconfigFiles } from '../inventory/loadRoots.ts';

/** In a pod users are those of the hub that it runs in (ID-01); with a kubeconfig it is the user's own machine. */
export function decideDefaultAuth(
  texts: OptionTexts,
  environment: Readonly<Record<string, string | undefined>>,
): AuthMode {
  const files = kubeconfigFiles({ kubeconfig: texts.kubeconfig.text, contexts: [], environment });
  return files.length === 0 ? 'hub' : 'none';
}
