/** There are few names of headers, and anybody may make up more. */
const maxNames = 500;
const maxNameLength = 64;

/** What follows from a header's name in its spelling, worked out once for each. */
export function createNameTable<Known extends object | string>(
  workOut: (name: string) => Known,
): (name: string) => Known {
  const table = new Map<string, Known>();
  return (name) => {
    const present = table.get(name);
    if (present !== undefined) return present;
    if (name.length > maxNameLength) return workOut(name);
    // A copy, and it takes two parts to make one: what is cut out of a head keeps all of it.
    const copy = [name.slice(0, 1), name.slice(1)].join('');
    const known = workOut(copy);
    if (table.size >= maxNames) table.clear();
    table.set(copy, known);
    return known;
  };
}
