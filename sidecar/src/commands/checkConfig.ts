import { checkAccessPolicyFile, emptyAccessPolicyFile } from '../config/accessPolicyFile.ts';
import { type Options, parseOptions } from '../config/options.ts';
import type { OptionTexts } from '../config/readOptionTexts.ts';
import { asCodedError } from '../foundation/errors.ts';
import { buildAccessPolicy } from './buildAccessPolicy.ts';
import { decideDefaultAuth } from './decideDefaultAuth.ts';
import { accessPolicyAt, providerFileAt, readConfigFile } from './configFile.ts';
import { proxySecretAt } from './followProxySecret.ts';
import { findConfigWarnings } from './configWarnings.ts';

export interface CheckSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly write: (line: string) => void;
}

/**
 * `--check-config`: options, provider file and access policy, each looked at whatever is wrong with the others; a line
 * for every problem and warning (OP-14). @returns the exit code: 0, or 2 with a problem
 */
export async function checkConfig(
  texts: OptionTexts,
  { environment, write }: CheckSurroundings,
): Promise<number> {
  let problems = 0;
  const report = (problem: string): undefined => {
    problems++;
    write(`problem: ${problem}\n`);
  };
  const reportThrown = (thrown: unknown): undefined => report(asCodedError(thrown).message);
  let options: Options | undefined;
  try {
    options = parseOptions(texts, decideDefaultAuth(texts, environment));
  } catch (thrown) {
    reportThrown(thrown);
  }
  const providerPath = texts['cluster-inventory-provider-file'].text;
  const providers =
    // Without a path the options have said so.
    providerPath === '' ? undefined : await readConfigFile(providerFileAt(providerPath)).catch(reportThrown);
  if (options?.auth === 'trusted-headers')
    await readConfigFile(proxySecretAt(options.proxyAuth.secretFile)).catch(reportThrown);
  const policyPath = texts['access-policy'].text;
  const policyFile =
    policyPath === ''
      ? emptyAccessPolicyFile
      : await readConfigFile({
          ...accessPolicyAt(policyPath),
          parse(content) {
            const checked = checkAccessPolicyFile(content);
            if ('file' in checked) return checked.file;
            for (const fault of checked.faults) report(`the access policy ${policyPath}: ${fault}`);
            return undefined;
          },
        }).then(({ content }) => content, reportThrown);
  if (options && providers && policyFile) {
    for (const warning of findConfigWarnings(
      providers.content,
      buildAccessPolicy(options, environment, policyFile),
      options.auth,
    ))
      write(`warning: ${warning}\n`);
  }
  write(problems === 0 ? 'the configuration is valid\n' : `${problems} to mend\n`);
  return problems === 0 ? 0 : 2;
}
