const pemCertificate = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----/g;

/** Every certificate of a bundle that was encoded once in base64, in its order (AC-22); none for anything else. */
export function decodeCertificates(data: string): readonly string[] {
  const certificates = Buffer.from(data, 'base64').toString('latin1').match(pemCertificate) ?? [];
  return certificates.map((certificate) => certificate.replace(/\r/g, ''));
}
