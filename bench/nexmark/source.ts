import { Buffer } from 'node:buffer'
import { open, type FileHandle } from 'node:fs/promises'
import type { Poll, Source, SplitReader } from '@millrace/core/connector'
import { channelBytes, EventDecoder, fileHeader, recordBytesMax } from './binary-format.ts'
import type { NexmarkEvent } from './events.ts'
import type { Channel } from './random-text.ts'

/** The byte at which the next record begins. */
interface FileOffset {
  readonly [name: string]: number
  readonly offset: number
}

const chunkBytes = 1 << 20

/** Reads a binary file of events, as one split. */
export function readEvents(path: string): Source<NexmarkEvent, FileOffset> {
  return {
    kind: 'nexmark-events',
    durability: 'replayable',
    discover: async () => ({ splits: [path], isComplete: true }),
    open: async (split, from) => EventReader.open(split, from),
  }
}

/** Decodes one chunk of the file while it reads the next one. */
class EventReader implements SplitReader<NexmarkEvent, FileOffset> {
  readonly #file: FileHandle
  /** Two chunks, each with room for the part of a record that the chunk before it ends with. */
  readonly #chunks = [0, 1].map(() => Buffer.allocUnsafe(recordBytesMax + chunkBytes))
  readonly #decoders: readonly EventDecoder[]
  /** Which of the two is decoded. */
  #current = 0
  /** Where the decoded chunk ends in the file. */
  #chunkEnd: number
  /** Bytes in the next chunk; undefined while they are being read. */
  #nextBytes: number | undefined
  #reading: Promise<void>

  private constructor(file: FileHandle, channels: readonly Channel[], offset: number) {
    this.#file = file
    this.#decoders = this.#chunks.map((chunk) => new EventDecoder(chunk, channels))
    this.#chunkEnd = offset
    this.#reading = this.#read()
  }

  static async open(path: string, from: FileOffset | undefined): Promise<EventReader> {
    const file = await open(path)
    const header = Buffer.alloc(fileHeader)
    await file.read(header, 0, fileHeader, 0)
    const body = Buffer.alloc(channelBytes(header))
    await file.read(body, 0, body.length, fileHeader)
    const channels = JSON.parse(body.toString('latin1')) as readonly Channel[]
    return new EventReader(file, channels, from?.offset ?? fileHeader + body.length)
  }

  poll(limit: number): Poll<NexmarkEvent> {
    const values: NexmarkEvent[] = []
    while (values.length < limit) {
      const event = this.#decoder.next()
      if (event !== undefined) values.push(event)
      else if (!this.#turn()) break
    }
    if (values.length > 0) return { kind: 'records', values }
    return this.#nextBytes === 0 ? { kind: 'end' } : { kind: 'pending', isCaughtUp: false }
  }

  ready(): Promise<void> {
    return this.#reading
  }

  position(): FileOffset {
    return { offset: this.#chunkEnd - this.#rest }
  }

  async close(): Promise<void> {
    await this.#reading
    await this.#file.close()
  }

  get #decoder(): EventDecoder {
    return this.#decoders[this.#current]!
  }

  /** Bytes of the decoded chunk that are still to be decoded. */
  get #rest(): number {
    return this.#decoder.end - this.#decoder.at
  }

  /** Turns to the next chunk, if it is there. */
  #turn(): boolean {
    const bytes = this.#nextBytes
    if (bytes === undefined || bytes === 0) return false
    const before = this.#decoder
    const rest = this.#rest
    const [from, to] = [this.#chunks[this.#current]!, this.#chunks[1 - this.#current]!]
    from.copy(to, recordBytesMax - rest, before.at, before.end)
    before.at = before.end = 0
    this.#current = 1 - this.#current
    this.#decoder.at = recordBytesMax - rest
    this.#decoder.end = recordBytesMax + bytes
    this.#chunkEnd += bytes
    this.#reading = this.#read()
    return true
  }

  /** Reads what follows the decoded chunk. */
  async #read(): Promise<void> {
    this.#nextBytes = undefined
    const chunk = this.#chunks[1 - this.#current]!
    const { bytesRead } = await this.#file.read(chunk, recordBytesMax, chunkBytes, this.#chunkEnd)
    this.#nextBytes = bytesRead
  }
}
