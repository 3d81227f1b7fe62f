const rfc3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** An RFC 3339 timestamp as milliseconds since the epoch, or undefined when the text is not one (EX-17). */
export function parseTimestamp(text: string): number | undefined {
  const match = rfc3339.exec(text);
  if (!match) return undefined;
  const field = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(field) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const midnight = Date.parse(`${match[1]}-${match[2]}-${match[3]}T00:00:00Z`);
  // Date.parse carries 30 February over into March; RFC 3339 has no such day.
  if (Number.isNaN(midnight) || new Date(midnight).getUTCDate() !== day) return undefined;
  if (year < 0 || month < 1 || hour > 23 || minute > 59 || second > 60 || field(9) > 23 || field(10) > 59)
    return undefined;
  const offsetMinutes = (match[8] === '-' ? -1 : 1) * (field(9) * 60 + field(10));
  const fractionMs = Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000);
  return midnight + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000 + fractionMs;
}
