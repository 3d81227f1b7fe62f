/** What stands for every name past the bound. */
export const otherLabel = 'other';

/** Label values from names that others make up (providers, contexts of a kubeconfig): never more than a number of them (TH-46). */
export interface NameLabels {
  /** The name itself while there is room, `other` past that. */
  labelOf(name: string): string;
  /** Forgets the names that are not there any more. @returns the labels that stand for nothing now */
  keepOnly(names: ReadonlySet<string>): string[];
}

export function createNameLabels(maxNames = 100): NameLabels {
  const own = new Set<string>();
  let isOtherUsed = false;
  return {
    labelOf(name) {
      if (own.has(name)) return name;
      if (own.size < maxNames) {
        own.add(name);
        return name;
      }
      isOtherUsed = true;
      return otherLabel;
    },
    keepOnly(names) {
      const gone = [...own].filter((name) => !names.has(name));
      for (const name of gone) own.delete(name);
      if (isOtherUsed && [...names].every((name) => own.has(name))) {
        isOtherUsed = false;
        gone.push(otherLabel);
      }
      return gone;
    },
  };
}
