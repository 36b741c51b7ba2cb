import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The certificate of the authority that has signed that of the server. */
export function authorityOf(directory: string): string {
  return path.join(directory, 'authority.pem')
}

/** An authority of this directory alone, and the certificate of a server, which it has signed: `NAME.pem` has key and certificates. */
export async function makeCertificates(directory: string, name: string): Promise<void> {
  const openssl = (...args: readonly string[]): Promise<unknown> => run('openssl', args, { cwd: directory })
  const key = ['-newkey', 'rsa:2048', '-nodes']
  await openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'authority.key',
    '-out',
    'authority.pem',
    '-days',
    '2',
    '-subj',
    '/CN=millrace-test',
  )
  await openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=localhost')
  await writeFile(path.join(directory, 'names.ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
  const signed = [
    '-CA',
    'authority.pem',
    '-CAkey',
    'authority.key',
    '-CAcreateserial',
    '-extfile',
    'names.ext',
  ]
  await openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-days', '2', '-out', `${name}.crt`)
  const parts = [`${name}.key`, `${name}.crt`, 'authority.pem']
  const texts = await Promise.all(parts.map((part) => readFile(path.join(directory, part), 'utf8')))
  await writeFile(path.join(directory, `${name}.pem`), texts.join(''))
}
