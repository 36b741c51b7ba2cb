import type { Line, Origin } from '@millrace/core/connector'

/** The places of the records of one poll, a line each. */
export class LineOrigin implements Origin {
  readonly source: string
  readonly split: string
  readonly #lines: readonly Line[]

  constructor(source: string, split: string, lines: readonly Line[]) {
    this.source = source
    this.split = split
    this.#lines = lines
  }

  place(index: number): string {
    const line = this.#lines[index]
    return line === undefined ? 'unknown' : placeOf(line)
  }

  raw(index: number): Uint8Array | undefined {
    return this.#lines[index]?.bytes
  }
}

/** Formats the place of a line for messages. */
export function placeOf({ number, offset }: Line): string {
  return `line ${number}, byte ${offset}`
}
