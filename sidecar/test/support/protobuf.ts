/** A field of text or of a message, in the wire format; one character a byte, below 128 bytes long. */
export function field(number: number, ...parts: readonly string[]): string {
  const content = parts.join('');
  if (content.length > 127) throw new Error('too long for this');
  return String.fromCharCode(number * 8 + 2, content.length) + content;
}

/** An object of `authorization.k8s.io/v1` as client-go sends one. */
export function envelope(kind: string, object: string): string {
  return `k8s\0${field(1, field(1, 'authorization.k8s.io/v1'), field(2, kind))}${field(2, object)}${field(3)}${field(4)}`;
}
