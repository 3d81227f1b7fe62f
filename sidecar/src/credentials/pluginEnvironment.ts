import { execInfoName } from './execInfo.ts';
import type { PluginInvocation } from './credential.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment of a plugin: inherited, then the provider's, then `KUBERNETES_EXEC_INFO`; the last of one name
 * wins (EX-02).
 */
export function buildPluginEnvironment(
  inherited: Environment,
  env: PluginInvocation['env'],
  execInfo: string,
): Readonly<Record<string, string>> {
  const result = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined) result[name] = value;
  }
  for (const { name, value } of env) {
    // A process sees `name=value` and takes what stands before the first `=` for the name, so a name that holds
    // one would otherwise come beside KUBERNETES_EXEC_INFO and before it.
    const entry = `${name}=${value}`;
    const nameEnd = entry.indexOf('=');
    if (nameEnd > 0) result[entry.slice(0, nameEnd)] = entry.slice(nameEnd + 1);
  }
  result[execInfoName] = execInfo;
  return result;
}
