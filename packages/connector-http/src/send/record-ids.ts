import { MillraceError } from '@millrace/core'
import type { Batch } from '@millrace/core/connector'

/** What makes ids of records. */
export interface RecordIdParts<T> {
  /** Identifies the sink: the same after a restart. */
  readonly sink: readonly string[]
  /** Identifies this life of the writer: different after a restart. */
  readonly life: string
  readonly digest: (text: string) => string
  readonly idempotencyKey: ((value: T) => string) | undefined
}

const digits = 32

/**
 * Makes the ids by which a receiver knows a record that it gets again.
 *
 * An id is made of the place where the record was read and, if several records come from one place, of its number among
 * them: a replay repeats both. A record without a place, such as one of a timer, gets an id of this life.
 */
export class RecordIds<T> {
  readonly #parts: RecordIdParts<T>
  #place = ''
  #number = 0
  #fresh = 0

  constructor(parts: RecordIdParts<T>) {
    this.#parts = parts
  }

  /** Throws `CODEC_FAILED` for a key that is none. */
  idOf({ origin, originIndex, values }: Batch<T>, index: number): string {
    const { sink, life, digest, idempotencyKey } = this.#parts
    if (idempotencyKey !== undefined) return checkedKey(idempotencyKey(values[index]!))
    const at = originIndex === undefined ? index : originIndex[index]!
    if (origin === undefined || at < 0) return `${life}-${this.#fresh++}`
    const place = JSON.stringify([...sink, origin.source, origin.split, origin.place(at)])
    this.#number = place === this.#place ? this.#number + 1 : 0
    this.#place = place
    return digest(`${place}#${this.#number}`).slice(0, digits)
  }

  /** The key of a request with these records. */
  keyOf(ids: readonly string[]): string {
    return ids.length === 1 ? ids[0]! : this.#parts.digest(JSON.stringify(ids)).slice(0, digits)
  }
}

function checkedKey(key: unknown): string {
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  const problem = typeof key === 'string' ? JSON.stringify(key.slice(0, 40)) : typeof key
  throw new MillraceError(
    'CODEC_FAILED',
    `the idempotencyKey is ${problem}; give 1 to 255 visible ASCII characters`,
  )
}
