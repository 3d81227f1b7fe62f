import { createHash } from 'node:crypto';
import type { PluginInvocation } from './credential.ts';

/** A digest of the whole of what a plugin is given, and of whom it is run for (EX-20). */
export function buildInvocationKey({
  provider,
  command,
  args,
  env,
  apiVersion,
  cluster,
  owner,
}: PluginInvocation): string {
  const given = [provider, command, args, env.map(({ name, value }) => [name, value]), apiVersion, owner];
  return createHash('sha256').update(JSON.stringify(given)).update(clusterText(cluster)).digest('hex');
}

function clusterText(cluster: PluginInvocation['cluster']): string {
  try {
    return cluster === undefined ? '' : JSON.stringify(cluster);
  } catch {
    // Deeper than the stack. Such a plugin is never run: buildExecInfo refuses it.
    return 'too deep';
  }
}
