import type { Credential, PluginInvocation } from './credential.ts';
import { buildExecInfo } from './execInfo.ts';
import { parseExecCredential } from './parseExecCredential.ts';
import { buildPluginEnvironment } from './pluginEnvironment.ts';
import type { Environment } from './pluginEnvironment.ts';
import type { RunLimits, RunPlugin } from './pluginProcess.ts';

export interface AskPluginOptions {
  readonly runPlugin: RunPlugin;
  readonly environment: Environment;
  readonly limits: RunLimits;
}

/**
 * One run, from what the plugin is given to a checked credential.
 * @throws CodedError of stage `credential`
 */
export async function askPlugin(
  invocation: PluginInvocation,
  { runPlugin, environment, limits }: AskPluginOptions,
  signal: AbortSignal,
): Promise<Credential> {
  const { provider, command, args, apiVersion, installHint } = invocation;
  const env = buildPluginEnvironment(environment, invocation.env, buildExecInfo(invocation));
  const plugin = { provider, command, args, env, ...(installHint === undefined ? {} : { installHint }) };
  const { stdout, diagnosis } = await runPlugin(plugin, limits, signal);
  return parseExecCredential(stdout, { provider, apiVersion, diagnosis });
}
