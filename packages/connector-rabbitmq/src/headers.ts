import type { RecordHeaders } from '@millrace/core'
import { headersWithout } from '@millrace/core/connector'
import type { Delivered } from './amqp/content.ts'
import type { Table, TableValue } from './amqp/table.ts'

/** A value of a header. A time has the form `{ '!': 'timestamp', value: seconds }`. */
export type HeaderValue = TableValue

/** The headers of a message. */
export type RabbitHeaders = Table

/** With these the broker and its plugins say what has become of a message, or they read in them where it goes. */
const brokerOwn =
  /^(b?cc|x-(death|(first|last)-death-.*|delivery-count|acquired-count|delay|received-from|shovelled.*|stream-.*|opt-.*))$/i

/** The headers of a record without those that belong to the broker. */
export function withoutOwn(headers: RecordHeaders): RecordHeaders {
  return headersWithout(headers, brokerOwn)
}

/**
 * The headers of a message as its record carries them, without those of the broker: text and bytes as they are, numbers and
 * booleans as text. Times, lists, tables and null have no counterpart, and are left out.
 */
export function carriedHeaders({
  properties: { headers },
}: Pick<Delivered, 'properties'>): RecordHeaders | undefined {
  if (headers === undefined) return undefined
  const carried: [name: string, value: string | Uint8Array][] = []
  for (const [name, value] of Object.entries(headers)) {
    if (brokerOwn.test(name)) continue
    if (typeof value === 'string') carried.push([name, value])
    else if (typeof value === 'number' || typeof value === 'boolean') carried.push([name, String(value)])
    else if (value instanceof Uint8Array) carried.push([name, Uint8Array.from(value)])
  }
  return carried.length === 0 ? undefined : Object.fromEntries(carried)
}
