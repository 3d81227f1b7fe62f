/** Texts that stand in thousands of objects, each held once. */
const shared = new Map<string, string>();
/** Past it begins anew: what is held elsewhere stays, and is only no longer shared with what comes. */
const maxTexts = 10_000;

/** The same text, as the one string that others with it have: a parser of JSON makes one for each. */
export function shareText(text: string): string {
  const present = shared.get(text);
  if (present !== undefined) return present;
  if (shared.size >= maxTexts) shared.clear();
  shared.set(text, text);
  return text;
}
