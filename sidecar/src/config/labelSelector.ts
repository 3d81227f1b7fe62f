/**
 * Checks a label selector as the API server would read it (apimachinery `labels.Parse`), so that a bad one stops the
 * process at start instead of failing every list (DI-07). The text itself is what is sent.
 * @returns what is wrong, or undefined
 */
export function findSelectorFault(selector: string): string | undefined {
  for (const requirement of splitRequirements(selector)) {
    const text = requirement.trim();
    if (text === '') return selector.trim() === '' ? undefined : 'an empty requirement';
    const match =
      /^(?:(?<absent>!\s*)?(?<key>[^\s!=<>,()]+)|(?<setKey>[^\s!=<>,()]+)\s+(?:in|notin)\s*\((?<set>[^()]*)\)|(?<eqKey>[^\s!=<>,()]+)\s*(?:==|=|!=)\s*(?<value>[^\s!=<>,()]*)|(?<numKey>[^\s!=<>,()]+)\s*[<>]\s*(?<number>\d+))$/.exec(
        text,
      );
    if (!match?.groups) return `"${text}" is not a requirement`;
    const { key, setKey, set, eqKey, value, numKey } = match.groups;
    const label = key ?? setKey ?? eqKey ?? numKey ?? '';
    if (!isLabelKey(label)) return `"${label}" is not a label key`;
    const values =
      set === undefined ? (value === undefined ? [] : [value]) : set.split(',').map((each) => each.trim());
    const badValue = values.find((each) => !isLabelValue(each));
    if (badValue !== undefined) return `"${badValue}" is not a label value`;
  }
  return undefined;
}

/** Splits at commas that are not inside parentheses. */
function splitRequirements(selector: string): string[] {
  return selector.split(/,(?![^()]*\))/);
}

export function isLabelKey(key: string): boolean {
  const parts = key.split('/');
  const [prefix, name] = parts.length === 2 ? parts : [undefined, parts[0]];
  if (parts.length > 2 || name === undefined) return false;
  if (
    prefix !== undefined &&
    !(
      prefix.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(prefix)
    )
  ) {
    return false;
  }
  return name.length <= 63 && /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(name);
}

function isLabelValue(value: string): boolean {
  return value.length <= 63 && /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(value);
}
