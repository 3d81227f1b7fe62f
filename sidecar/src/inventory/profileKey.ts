/** `<root>/<namespace>/<name>`: one entry of the inventory (DI-30). */
export type ProfileKey = string & { readonly brand: 'ProfileKey' };

export function buildProfileKey(root: string, namespace: string, name: string): ProfileKey {
  return `${root}/${namespace}/${name}` as ProfileKey;
}
