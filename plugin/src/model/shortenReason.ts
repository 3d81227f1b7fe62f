/** UI-16: a row says its reason in at most so many characters, the age included. */
export const REASON_MAX_CHARS = 80;

const SEPARATOR = ' · ';

/** One line, cut in the message and never in the age. Counts characters as people see them. */
export function shortenReason(message: string, age: string | undefined): string {
  const ending = age === undefined ? '' : `${SEPARATOR}${age}`;
  const characters = splitCharacters(message.replace(/\s+/g, ' ').trim());
  const room = REASON_MAX_CHARS - splitCharacters(ending).length;
  if (characters.length <= room) return characters.join('') + ending;
  return `${characters
    .slice(0, room - 1)
    .join('')
    .trimEnd()}…${ending}`;
}

function splitCharacters(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}
