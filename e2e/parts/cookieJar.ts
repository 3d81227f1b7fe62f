/** What a browser keeps of cookies, as far as names, paths and ages go. */
export interface CookieJar {
  /** Of an answer, in their order. */
  take(setCookies: readonly string[]): void;
  /** The header for a path; undefined without a cookie for it. */
  headerFor(path: string): string | undefined;
  /** Of the cookies that are kept, sorted. */
  names(): readonly string[];
}

export function createCookieJar(): CookieJar {
  const kept = new Map<string, { readonly name: string; readonly value: string; readonly path: string }>();
  return {
    take(setCookies) {
      for (const line of setCookies) {
        const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
        const attribute = (name: string): string | undefined =>
          attributes.find((each) => each.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
        const at = pair.indexOf('=');
        const [name, value, path] = [pair.slice(0, at), pair.slice(at + 1), attribute('path') ?? '/'];
        if (Number(attribute('max-age') ?? 1) > 0) kept.set(`${name} ${path}`, { name, value, path });
        else kept.delete(`${name} ${path}`);
      }
    },
    headerFor(asked) {
      const pairs = [...kept.values()]
        .filter(({ path }) => asked === path || asked.startsWith(path.endsWith('/') ? path : `${path}/`))
        .map(({ name, value }) => `${name}=${value}`);
      return pairs.length === 0 ? undefined : pairs.join('; ');
    },
    names: () => [...kept.values()].map(({ name }) => name).sort(),
  };
}
