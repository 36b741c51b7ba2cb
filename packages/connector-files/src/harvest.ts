import { MillraceError } from '@millrace/core'
import type { DecodeFailure, Origin, Poll } from '@millrace/core/connector'
import type { Page } from './page.ts'

/** How many bytes of an oversized record are kept, for its error. */
export const rawBytesMax = 1024

/** The file of some records, for messages. */
export interface Provenance {
  readonly source: string
  readonly split: string
  readonly path: string
}

/** The result of one poll. All its records come from one page. */
export class Harvest<T> {
  readonly #values: T[] = []
  readonly #failures: DecodeFailure[] = []
  readonly #origin: PageOrigin
  readonly #limit: number

  constructor(limit: number, provenance: Provenance, page: Page) {
    this.#limit = limit
    this.#origin = new PageOrigin(provenance, page)
  }

  get isEmpty(): boolean {
    return this.#values.length === 0 && this.#failures.length === 0
  }

  get isFull(): boolean {
    return this.#values.length + this.#failures.length >= this.#limit
  }

  add(value: T, start: number, end: number, line: number): void {
    this.#values.push(value)
    this.#origin.add(start, end, line)
  }

  /** Adds input that is not a record; `raw` is its bytes, as far as available. */
  fail(cause: unknown, raw: Uint8Array, line: number, offset: number): void {
    const error = failureOf(cause, this.#origin.provenance.path)
    this.#failures.push({ index: this.#values.length, error, raw, place: placeOf(line, offset) })
  }

  poll(): Poll<T> {
    const poll = { kind: 'records', values: this.#values, origin: this.#origin } as const
    return this.#failures.length === 0 ? poll : { ...poll, failures: this.#failures }
  }
}

/** The places of records: their page and their positions on it. The text is formatted only on request. */
class PageOrigin implements Origin {
  readonly provenance: Provenance
  readonly #page: Page
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #lines: number[] = []

  constructor(provenance: Provenance, page: Page) {
    this.provenance = provenance
    this.#page = page
  }

  get source(): string {
    return this.provenance.source
  }

  get split(): string {
    return this.provenance.split
  }

  get splitLabel(): string {
    return this.provenance.path
  }

  add(start: number, end: number, line: number): void {
    this.#starts.push(start)
    this.#ends.push(end)
    this.#lines.push(line)
  }

  place(index: number): string {
    return placeOf(this.#lines[index]!, this.#page.offset(this.#starts[index]!))
  }

  raw(index: number): Uint8Array | undefined {
    return this.#page.raw(this.#starts[index]!, this.#ends[index]!)
  }
}

function placeOf(line: number, offset: number): string {
  return `line ${line}, byte ${offset}`
}

function failureOf(cause: unknown, place: string): MillraceError {
  if (cause instanceof MillraceError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MillraceError('DECODE_FAILED', reason, { cause, place })
}
