import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';

export interface Certificate {
  readonly key: string;
  /** Signed by itself: whoever trusts it as an authority trusts the server. */
  readonly certificate: string;
}

/** Made anew for each process: a key that is kept would be one that leaks, and a certificate that is kept runs out. */
export const ownCertificate = (): Certificate => {
  made ??= makeCertificate();
  return made;
};

let made: Certificate | undefined;

/** One more, which nobody trusts who trusts another. */
export const makeCertificate = (): Certificate => {
  const directory = mkdtempSync(`${tmpdir()}/shunt-certificate-`);
  try {
    const key = `${directory}/key.pem`;
    const certificate = `${directory}/certificate.pem`;
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const names = ['-subj', '/CN=kube-apiserver', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...names, '-days', '2', '-keyout', key, '-out', certificate], {
      stdio: 'pipe',
    });
    return { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
