/**
 * The compact file of events: a header, then one record for each event.
 *
 * The header is a magic word, its length and the channels as JSON. A record is its kind (1 byte), the length of
 * what follows (2 bytes), whole numbers of 4 bytes, and text as latin1. Channels, of which there are ten
 * thousand, are numbers in the list of the header: names and pages of bids are not repeated.
 */
import { Buffer } from 'node:buffer'
import type { Auction, Bid, NexmarkEvent, Person } from './events.ts'
import { firstTime } from './generator.ts'
import { channels, type Channel } from './random-text.ts'

const magic = 'NEXMARK1'
const kinds = { person: 0, auction: 1, bid: 2 } as const

/** Bytes of the kind and the length of a record. */
const recordHeader = 3
/** Bytes of the magic word and the length of the header. */
export const fileHeader = magic.length + 4
/** No record is longer. */
export const recordBytesMax = 2_048

const channelNumbers = new Map(channels.map(({ name }, number) => [name, number]))

/** The beginning of a file. */
export function encodeHeader(): Buffer {
  const body = Buffer.from(JSON.stringify(channels), 'latin1')
  const header = Buffer.alloc(fileHeader)
  header.write(magic, 'latin1')
  header.writeUInt32LE(body.length, magic.length)
  return Buffer.concat([header, body])
}

/** How long the list of channels is, which follows the first `fileHeader` bytes. */
export function channelBytes(header: Buffer): number {
  if (header.toString('latin1', 0, magic.length) !== magic) {
    throw new Error('this is not a file of Nexmark events, or one of another version; remove it')
  }
  return header.readUInt32LE(magic.length)
}

/** Writes events one after another into a buffer. */
export class EventEncoder {
  readonly bytes: Buffer
  length = 0

  /** `size` is the number of bytes that the buffer holds. */
  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size)
  }

  /** Whether another event fits for certain. */
  get hasRoom(): boolean {
    return this.length + recordBytesMax <= this.bytes.length
  }

  write(event: NexmarkEvent): void {
    const start = this.length
    this.bytes[start] = kinds[event.kind]
    this.length += recordHeader
    if (event.kind === 'bid') this.#bid(event)
    else if (event.kind === 'auction') this.#auction(event)
    else this.#person(event)
    this.bytes.writeUInt16LE(this.length - start - recordHeader, start + 1)
  }

  #bid({ auction, bidder, price, channel, dateTime, extra }: Bid): void {
    for (const number of [auction, bidder, price, dateTime - firstTime]) this.#whole(number)
    this.length = this.bytes.writeUInt16LE(channelNumbers.get(channel)!, this.length)
    this.#text(extra)
  }

  #auction(event: Auction): void {
    const { id, seller, initialBid, reserve, dateTime, expires, category } = event
    for (const number of [
      id,
      seller,
      initialBid,
      reserve,
      dateTime - firstTime,
      expires - dateTime,
      category,
    ]) {
      this.#whole(number)
    }
    this.#texts([event.itemName, event.description], event.extra)
  }

  #person({ id, dateTime, name, emailAddress, creditCard, city, state, extra }: Person): void {
    this.#whole(id)
    this.#whole(dateTime - firstTime)
    this.#texts([name, emailAddress, creditCard, city, state], extra)
  }

  #whole(value: number): void {
    this.length = this.bytes.writeUInt32LE(value, this.length)
  }

  /** Texts with their lengths, and one that fills the rest of the record. */
  #texts(texts: readonly string[], rest: string): void {
    for (const text of texts) this.length = this.bytes.writeUInt8(text.length, this.length)
    for (const text of texts) this.#text(text)
    this.#text(rest)
  }

  #text(text: string): void {
    this.length += this.bytes.write(text, this.length, 'latin1')
  }
}

/** Reads events from a buffer. */
export class EventDecoder {
  readonly #channels: readonly Channel[]
  readonly #bytes: Buffer
  /** Where the next record begins. */
  at = 0
  /** Where the bytes end. */
  end = 0

  constructor(bytes: Buffer, known: readonly Channel[]) {
    this.#bytes = bytes
    this.#channels = known
  }

  /** The next event, or undefined if it is not complete. */
  next(): NexmarkEvent | undefined {
    const bytes = this.#bytes
    const body = this.at + recordHeader
    if (body > this.end) return undefined
    const end = body + bytes.readUInt16LE(this.at + 1)
    if (end > this.end) return undefined
    const kind = bytes[this.at]
    this.at = end
    if (kind === kinds.bid) return this.#bid(body, end)
    return kind === kinds.auction ? this.#auction(body, end) : this.#person(body, end)
  }

  #bid(from: number, end: number): Bid {
    const bytes = this.#bytes
    const { name, url } = this.#channels[bytes.readUInt16LE(from + 16)]!
    return {
      kind: 'bid',
      auction: bytes.readUInt32LE(from),
      bidder: bytes.readUInt32LE(from + 4),
      price: bytes.readUInt32LE(from + 8),
      channel: name,
      url,
      dateTime: firstTime + bytes.readUInt32LE(from + 12),
      extra: bytes.toString('latin1', from + 18, end),
    }
  }

  #auction(from: number, end: number): Auction {
    const bytes = this.#bytes
    const dateTime = firstTime + bytes.readUInt32LE(from + 16)
    const item = from + 30
    const description = item + bytes[from + 28]!
    const extra = description + bytes[from + 29]!
    return {
      kind: 'auction',
      id: bytes.readUInt32LE(from),
      itemName: bytes.toString('latin1', item, description),
      description: bytes.toString('latin1', description, extra),
      initialBid: bytes.readUInt32LE(from + 8),
      reserve: bytes.readUInt32LE(from + 12),
      dateTime,
      expires: dateTime + bytes.readUInt32LE(from + 20),
      seller: bytes.readUInt32LE(from + 4),
      category: bytes.readUInt32LE(from + 24),
      extra: bytes.toString('latin1', extra, end),
    }
  }

  #person(from: number, end: number): Person {
    const bytes = this.#bytes
    const name = from + 13
    const email = name + bytes[from + 8]!
    const card = email + bytes[from + 9]!
    const city = card + bytes[from + 10]!
    const state = city + bytes[from + 11]!
    const extra = state + bytes[from + 12]!
    return {
      kind: 'person',
      id: bytes.readUInt32LE(from),
      name: bytes.toString('latin1', name, email),
      emailAddress: bytes.toString('latin1', email, card),
      creditCard: bytes.toString('latin1', card, city),
      city: bytes.toString('latin1', city, state),
      state: bytes.toString('latin1', state, extra),
      dateTime: firstTime + bytes.readUInt32LE(from + 4),
      extra: bytes.toString('latin1', extra, end),
    }
  }
}
