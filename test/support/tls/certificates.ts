/** Certificates as a private authority makes them, with the machine's openssl. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** As openssl writes them: `IP:127.0.0.1`, `DNS:s3.example`. */
  readonly names: string;
  /** From now on; a negative number makes one that has expired. Default 2. */
  readonly days?: number;
}

/** An authority whose files are in a folder of the test's. */
export class Authority {
  /** Its certificate, PEM. */
  readonly certificate: string;
  readonly path: string;
  readonly #folder: string;
  #issued = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'authority.pem');
    const to = ['-keyout', join(folder, 'authority.key'), '-out', this.path];
    openssl('req', '-x509', ...newKey('/CN=an authority of the test'), '-days', '2', ...to);
    this.certificate = readFileSync(this.path, 'utf8');
  }

  issue({ names, days = 2 }: CertificateOptions): Certificate {
    this.#issued += 1;
    const file = (ending: string): string => join(this.#folder, `${this.#issued}.${ending}`);
    writeFileSync(file('ext'), `subjectAltName=${names}`);
    openssl('req', ...newKey('/CN=a server of the test'), '-keyout', file('key'), '-out', file('csr'));
    const authority = ['-CA', this.path, '-CAkey', join(this.#folder, 'authority.key'), '-CAcreateserial'];
    const what = ['-in', file('csr'), '-extfile', file('ext'), '-days', String(days), '-out', file('pem')];
    openssl('x509', '-req', ...authority, ...what);
    return { cert: readFileSync(file('pem'), 'utf8'), key: readFileSync(file('key'), 'utf8') };
  }
}

function newKey(subject: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', subject];
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
