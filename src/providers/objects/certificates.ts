import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';
import { UsageError } from '../../base/errors.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The authorities in a PEM text; throws UsageError, which names `where`, when it holds none or one that is damaged. */
export function parseCertificates(pem: string, where: string): readonly string[] {
  const certificates = pem.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) {
    throw new UsageError('no certificate is in it', {
      where,
      advice: 'a PEM file is wanted: -----BEGIN CERTIFICATE-----',
    });
  }
  for (const [index, certificate] of certificates.entries()) {
    if (!isReadable(certificate)) {
      throw new UsageError(`certificate ${index + 1} of the file cannot be read`, { where });
    }
  }
  return certificates;
}

function isReadable(certificate: string): boolean {
  try {
    return new X509Certificate(certificate).subject !== undefined;
  } catch {
    return false;
  }
}

/** These authorities beside those that Node trusts anyway: a token service may have another one than the store. */
export function trustedWith(pem: string): string[] {
  return [...getCACertificates('default'), ...parseCertificates(pem, 'the store’s certificate authorities')];
}
