import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)

export type HashName = 'sha256' | 'sha512'

/** A text that no one has used before. */
export function nonce(): string {
  return randomBytes(24).toString('base64url')
}

/** What SCRAM proves with: a proof for the broker, and the signature that the broker must answer with. Both in base64. */
export async function scramProof(
  hash: HashName,
  password: string,
  salt: string,
  iterations: number,
  messages: string,
): Promise<{ readonly proof: string; readonly signature: string }> {
  const bytes = hash === 'sha256' ? 32 : 64
  const salted = await derive(
    password.normalize('NFKC'),
    Buffer.from(salt, 'base64'),
    iterations,
    bytes,
    hash,
  )
  const sign = (key: Uint8Array, text: string): Buffer => createHmac(hash, key).update(text).digest()
  const clientKey = sign(salted, 'Client Key')
  const clientSignature = sign(createHash(hash).update(clientKey).digest(), messages)
  return {
    proof: Buffer.from(clientKey.map((byte, index) => byte ^ clientSignature[index]!)).toString('base64'),
    signature: sign(sign(salted, 'Server Key'), messages).toString('base64'),
  }
}

/** Compares texts in the same time, wherever they differ. */
export function isSame(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}
