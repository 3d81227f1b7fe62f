/**
 * The page of a cluster's Pods. Headlamp takes the name from the address as it stands there, without decoding
 * it, so only what would end or split the name is escaped: `+` separates several clusters (DI-37), while `:`
 * and `@` are plain in a path and must stay.
 */
export function buildPodsPath(clusterName: string): string {
  const segment = encodeURIComponent(clusterName).replace(/%(3A|40|24|26|2C|3B|3D)/g, decodeURIComponent);
  return `/c/${segment}/pods`;
}
