import { joined } from '../client/http-client.ts'

/** An event as it was sent. */
export interface RawEvent {
  /** `message` if the server has named none. */
  readonly event: string
  /** The data as bytes: its lines, joined by line ends. */
  readonly data: Uint8Array
  /** Its own id; undefined if it has none. */
  readonly id: string | undefined
  /** Whether there were more bytes than are allowed; `data` has the first ones. */
  readonly isCut: boolean
}

/** What a parser has found. */
export type ParsedPart =
  | { readonly kind: 'event'; readonly event: RawEvent }
  /** An id without data: where to resume. */
  | { readonly kind: 'id'; readonly id: string }
  /** How long to wait before the next connection. */
  | { readonly kind: 'retry'; readonly ms: number }

const lf = 10
const cr = 13
const colon = 58
const space = 32
const byteOrderMark = [0xef, 0xbb, 0xbf]
const decoder = new TextDecoder()
const lineEnd = Uint8Array.of(lf)
/** A longer id would not fit into a header field. */
const idBytesMax = 1_000

/** Whether an id can be sent back in a header field. */
function isUsable(id: Uint8Array): boolean {
  return id.length <= idBytesMax && id.every((byte) => byte > 31 && byte !== 127)
}

/**
 * Parses server-sent events as bytes arrive, as https://html.spec.whatwg.org/multipage/server-sent-events.html says.
 *
 * An event and a line have at most `bytesMax` bytes in memory. An event that the server has not ended is never handed out.
 */
export class EventParser {
  readonly #bytesMax: number
  /** The line that has not ended. */
  #line: Uint8Array[] = []
  #lineBytes = 0
  #data: Uint8Array[] = []
  #dataBytes = 0
  #event = ''
  #id: string | undefined
  #isCut = false
  #isAfterCr = false
  #isFirstLine = true

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Returns what is complete now. */
  push(chunk: Uint8Array): ParsedPart[] {
    const parts: ParsedPart[] = []
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte === lf && this.#isAfterCr) {
        this.#isAfterCr = false
        start = at + 1
      } else if (byte === lf || byte === cr) {
        this.#keep(chunk.subarray(start, at))
        this.#isAfterCr = byte === cr
        start = at + 1
        this.#endLine(parts)
      } else {
        this.#isAfterCr = false
      }
    }
    this.#keep(chunk.subarray(start))
    return parts
  }

  /** Keeps bytes of a line, up to the limit. */
  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const room = this.#bytesMax - this.#lineBytes
    if (bytes.length > room) this.#isCut = true
    // The buffer belongs to the connection, which may use it again.
    const kept = bytes.slice(0, Math.max(0, room))
    this.#lineBytes += kept.length
    if (kept.length > 0) this.#line.push(kept)
  }

  #endLine(parts: ParsedPart[]): void {
    let line = this.#line.length === 0 ? new Uint8Array(0) : joined(this.#line, this.#lineBytes)
    this.#line = []
    this.#lineBytes = 0
    if (this.#isFirstLine && byteOrderMark.every((byte, at) => line[at] === byte)) line = line.subarray(3)
    this.#isFirstLine = false
    if (line.length === 0) this.#endEvent(parts)
    else this.#field(line, parts)
  }

  #field(line: Uint8Array, parts: ParsedPart[]): void {
    const at = line.indexOf(colon)
    const name = decoder.decode(at < 0 ? line : line.subarray(0, Math.min(at, 8)))
    const value = at < 0 ? new Uint8Array(0) : line.subarray(line[at + 1] === space ? at + 2 : at + 1)
    if (name === 'data') this.#addData(value)
    else if (name === 'event') this.#event = decoder.decode(value)
    else if (name === 'id' && isUsable(value)) this.#id = decoder.decode(value)
    else if (name === 'retry') {
      const text = decoder.decode(value)
      if (/^\d{1,15}$/.test(text)) parts.push({ kind: 'retry', ms: Number(text) })
    }
  }

  #addData(value: Uint8Array): void {
    const room = this.#bytesMax - this.#dataBytes
    if (value.length + 1 > room) {
      this.#isCut = true
      return
    }
    this.#data.push(value, lineEnd)
    this.#dataBytes += value.length + 1
  }

  #endEvent(parts: ParsedPart[]): void {
    const { 0: first } = this.#data
    const id = this.#id
    if (first !== undefined || this.#isCut) {
      const data = joined(this.#data.slice(0, -1), Math.max(0, this.#dataBytes - 1))
      const event = this.#event === '' ? 'message' : this.#event
      parts.push({ kind: 'event', event: { event, data, id, isCut: this.#isCut } })
    } else if (id !== undefined) {
      parts.push({ kind: 'id', id })
    }
    this.#data = []
    this.#dataBytes = 0
    this.#event = ''
    this.#id = undefined
    this.#isCut = false
  }
}
