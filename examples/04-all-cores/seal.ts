// The work for all cores: a module with a function. It does not use threads itself.
import { createHash } from 'node:crypto'

export interface Sealed {
  readonly page: string
  readonly nonce: number
  readonly digest: string
}

/** Finds a number that, appended to the page, gives a digest that begins with four zeros. Hard work. */
export function seal(page: string): Sealed {
  for (let nonce = 0; ; nonce++) {
    const digest = createHash('sha256').update(`${page} ${nonce}`).digest('hex')
    if (digest.startsWith('0000')) return { page, nonce, digest }
  }
}
