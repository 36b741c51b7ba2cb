/** The headers of drawn records, and what is made of them: the same code for the engine and for the oracle. */
import type { RecordHeaders } from '@millrace/core'
import { figureOf, type Item } from './item.ts'

/** When a timer is due, after its record. */
export const timerAfterMs = 100

/** The headers of a record with this figure: text and bytes, or none. */
export function headersOf(figure: number): RecordHeaders | undefined {
  if (figure % 4 === 0) return undefined
  return { mark: String(figure), bytes: Uint8Array.of(figure % 7, figure % 11) }
}

/** The item with what its headers say. */
export function withMark(item: Item, { mark, bytes }: RecordHeaders): Item {
  const all = bytes instanceof Uint8Array ? [...bytes] : []
  return { key: item.key, value: [figureOf(item), Number(mark ?? -1), ...all] }
}
