import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/**
 * Makes what an API server needs below a directory: `ca.crt`, `server.crt` and `server.key` for 127.0.0.1, `sign.key`
 * and `sign.pub` for tokens, and for each user `NAME.crt` and `NAME.key`.
 */
export const makeCertificates = (directory: string, users: readonly string[]): void => {
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const usage = 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature';
  const names = ['-subj', '/CN=test-ca', '-addext', usage];
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', ...names);
  const sign = (name: string, extensions: string): void => {
    openssl('req', '-new', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(`${directory}/${name}.ext`, extensions);
    const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`];
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, '-days', '2', ...authority);
  };
  sign('server', 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n');
  for (const user of users) sign(user, 'extendedKeyUsage=clientAuth\n');
  openssl('genrsa', '-out', 'sign.key', '2048');
  openssl('rsa', '-in', 'sign.key', '-pubout', '-out', 'sign.pub');
};
