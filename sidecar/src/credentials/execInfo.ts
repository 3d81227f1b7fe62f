import { pluginError } from './pluginError.ts';
import type { PluginInvocation } from './credential.ts';

export const execInfoName = 'KUBERNETES_EXEC_INFO';

/** Linux' MAX_ARG_STRLEN: one string of the environment, `NAME=value` with its closing zero byte. */
const longestStringBytes = 128 * 1024;

/**
 * The value of `KUBERNETES_EXEC_INFO` (EX-03, EX-04).
 * @throws CodedError `plugin-exec-info-too-large` (EX-08)
 */
export function buildExecInfo({ provider, apiVersion, cluster }: PluginInvocation): string {
  let text: string;
  try {
    text = JSON.stringify({
      apiVersion,
      kind: 'ExecCredential',
      spec: { interactive: false, ...(cluster ? { cluster } : {}) },
    });
  } catch (cause) {
    // Deeper than the stack: a config of thousands of levels.
    throw pluginError(
      'plugin-exec-info-too-large',
      provider,
      'the cluster information is nested too deeply for the plugin',
      { cause },
    );
  }
  const bytes = Buffer.byteLength(`${execInfoName}=${text}`) + 1;
  if (bytes > longestStringBytes) {
    throw pluginError(
      'plugin-exec-info-too-large',
      provider,
      `the cluster information for the plugin is ${bytes} bytes long; at most ${longestStringBytes} can be handed over`,
    );
  }
  return text;
}
