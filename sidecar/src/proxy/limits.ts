export interface ProxyLimits {
  /** For the headers of an answer, unless the request may take as long as it likes (PX-25). */
  readonly responseHeadersTimeoutMs: number;
  /** For a request's and an answer's headers together with their line. */
  readonly maxHeaderBytes: number;
  /** After one end's FIN the other may still send for this long (PX-34). */
  readonly halfCloseMs: number;
}

export const defaultProxyLimits: ProxyLimits = {
  responseHeadersTimeoutMs: 60_000,
  maxHeaderBytes: 64 * 1024,
  halfCloseMs: 5_000,
};
