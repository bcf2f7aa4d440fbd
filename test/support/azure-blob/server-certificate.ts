import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { ServerCertificate } from './azurite-server.ts';

/**
 * Makes a certificate for these names and for loopback, which is its own authority: programs that are told to trust
 * the file trust the server. Needs `openssl`.
 */
export function makeCertificate(folder: string, hosts: readonly string[] = []): ServerCertificate {
  const certificateFile = join(folder, 'certificate.pem');
  const keyFile = join(folder, 'key.pem');
  const names = ['IP:127.0.0.1', 'DNS:localhost', ...hosts.map((host) => `DNS:${host}`)].join(',');
  const request = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=tranship test',
  ];
  const files = ['-addext', `subjectAltName=${names}`, '-keyout', keyFile, '-out', certificateFile];
  execFileSync('openssl', [...request, ...files], { stdio: 'ignore' });
  return { certificateFile, keyFile };
}
