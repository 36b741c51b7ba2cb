// What is to be done on all cores: a module with functions. It knows nothing of threads.
import { createHash } from 'node:crypto'

export interface Sealed {
  readonly page: string
  readonly nonce: number
  readonly digest: string
}

/** Looks for a number that, appended to the page, gives a digest that begins with four zeros. Hard work. */
export function seal(page: string): Sealed {
  for (let nonce = 0; ; nonce++) {
    const digest = createHash('sha256').update(`${page} ${nonce}`).digest('hex')
    if (digest.startsWith('0000')) return { page, nonce, digest }
  }
}
