import { asRecord } from '../foundation/unknownValue.ts';
import { secretName } from './redact.ts';

const secretVariable = new RegExp(`^${secretName}$`, 'i');
const secretFlag = new RegExp(`^--?${secretName}$`, 'i');

/** What a plugin was given, or answered, that is secret by its name, so that it can be found in its stderr (EX-15). */
export function knownSecrets(
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
  stdout: Uint8Array,
): readonly string[] {
  const fromEnvironment = Object.entries(environment).flatMap(([name, value]) =>
    secretVariable.test(name) ? [value] : [],
  );
  const fromArgs = args.flatMap((arg, index) => {
    const [flag = '', ...rest] = arg.split('=');
    if (!secretFlag.test(flag)) return [];
    return rest.length > 0 ? [rest.join('=')] : args.slice(index + 1, index + 2);
  });
  return [...fromEnvironment, ...fromArgs, ...fromAnswer(stdout)];
}

function fromAnswer(stdout: Uint8Array): readonly string[] {
  try {
    const { token, clientKeyData } = asRecord(
      asRecord(JSON.parse(new TextDecoder().decode(stdout)) as unknown)['status'],
    );
    return [token, clientKeyData].filter((value) => typeof value === 'string');
  } catch {
    return [];
  }
}
