import type { RecordHeaders } from '@millrace/core'
import {
  fromBase64,
  headerColumn,
  type DecodeFailure,
  type Origin,
  type Poll,
  type SplitReader,
} from '@millrace/core/connector'
import type { LetterHeaders } from '@millrace/core/operator'

/** A dead letter on its way through the pipeline again. */
export interface RedrivenLetter {
  /** The bytes of the record, in base64. */
  readonly raw: string
  /** Where the record was read at first, for people. */
  readonly position: string
  /** The headers of the record where it failed. Absent if it had none, and in files of versions without headers. */
  readonly headers?: LetterHeaders
  /** How often it was redriven, this time included. */
  readonly redrives: number
}

/** What a reader of redriven letters reads, and for whom. */
export interface RedrivenSplit<T> {
  readonly source: string
  readonly split: string
  readonly letters: readonly RedrivenLetter[]
  readonly decode: (raw: Uint8Array) => T
}

/** Reads redriven letters as records of their source. A position is the number of the next letter. */
export class RedrivenReader<T> implements SplitReader<T, number> {
  readonly #split: RedrivenSplit<T>
  readonly #whenDone: (() => Promise<void>) | undefined
  #next: number

  /** `whenDone` is called once a durable checkpoint has passed all letters. */
  constructor(split: RedrivenSplit<T>, from: number, whenDone?: () => Promise<void>) {
    this.#split = split
    this.#next = from
    this.#whenDone = whenDone
  }

  poll(limit: number): Poll<T> {
    const { letters, decode } = this.#split
    if (this.#next >= letters.length) return { kind: 'end', isFinal: true }
    const taken = letters.slice(this.#next, this.#next + limit)
    this.#next += taken.length
    const values: T[] = []
    const decoded: RedrivenLetter[] = []
    const failures: DecodeFailure[] = []
    for (const letter of taken) {
      const raw = bytesOf(letter)
      try {
        values.push(decode(raw))
        decoded.push(letter)
      } catch (error) {
        const { position: place, redrives } = letter
        failures.push({ index: values.length, error, raw, place, redrives, headers: headersOf(letter) })
      }
    }
    const origin = originOf(this.#split, decoded)
    return { kind: 'records', values, headers: headerColumn(decoded, headersOf), origin, failures }
  }

  async ready(): Promise<void> {}

  position(): number {
    return this.#next
  }

  async acknowledge(position: number): Promise<void> {
    if (position >= this.#split.letters.length) await this.#whenDone?.()
  }

  async close(): Promise<void> {}
}

function originOf({ source, split }: RedrivenSplit<unknown>, letters: readonly RedrivenLetter[]): Origin {
  return {
    source,
    split,
    splitLabel: redrivenLabel,
    place: (index) => letters[index]!.position,
    raw: (index) => bytesOf(letters[index]!),
    redrives: (index) => letters[index]!.redrives,
  }
}

/** The label of all splits of redriven letters in messages and letters. */
export const redrivenLabel = 'redriven letters'

function headersOf({ headers }: RedrivenLetter): RecordHeaders | undefined {
  if (headers === undefined) return undefined
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : fromBase64(value.base64),
    ]),
  )
}

function bytesOf({ raw }: RedrivenLetter): Uint8Array {
  return fromBase64(raw)
}
