import type { DescMessage } from '@bufbuild/protobuf'
import { MillraceError } from '@millrace/core'

/** Messages nested deeper than that are not expected. */
const indexesMax = 64

/** The place of a message in its file: its index among the messages there, then among those nested in that, and so on. */
export function messageIndexes(message: DescMessage): readonly number[] {
  const { parent, file } = message
  if (parent === undefined) return [file.messages.indexOf(message)]
  return [...messageIndexes(parent), parent.nestedMessages.indexOf(message)]
}

/** Writes a place: its length and its parts as zigzag numbers of variable length. The first message is a single zero. */
export function writeIndexes(indexes: readonly number[]): Uint8Array {
  if (indexes.length === 1 && indexes[0] === 0) return Uint8Array.of(0)
  return Uint8Array.from([indexes.length, ...indexes].flatMap(varint))
}

/** Reads a place, and what follows it. Throws `DECODE_FAILED`. */
export function parseIndexes(bytes: Uint8Array): {
  readonly indexes: readonly number[]
  readonly rest: Uint8Array
} {
  let at = 0
  const next = (): number => {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) break
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    throw unfit('they end too early, or have a number that is too long')
  }
  const count = next()
  if (count < 0 || count > indexesMax) throw unfit(`there are ${count} of them`)
  if (count === 0) return { indexes: [0], rest: bytes.subarray(at) }
  const indexes = Array.from({ length: count }, next)
  return { indexes, rest: bytes.subarray(at) }
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value * 2
  while (rest > 127) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return [...bytes, rest]
}

function unfit(problem: string): MillraceError {
  return new MillraceError('DECODE_FAILED', `the record has no indexes of its message: ${problem}`)
}
