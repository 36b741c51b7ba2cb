import type { ManualClock } from '@millrace/world'
import { splitOf } from '../src/record.ts'
import { Cursor } from '../src/wire/cursor.ts'
import { Frames } from '../src/wire/frames.ts'
import type { Line, LineListener, Network } from '../src/wire/line.ts'
import { WireWriter } from '../src/wire/wire-writer.ts'
import { FakeWriting } from './fake-writing.ts'

/** A batch in the log of a partition. */
export interface StoredBatch {
  readonly first: number
  readonly next: number
  readonly bytes: Uint8Array
}

export interface AbortedRange {
  readonly producer: number
  readonly first: number
  /** The offset of its mark. */
  readonly mark: number
}

/** The number of the request whose headers have tagged fields. */
const flexible = 9

interface Log {
  leader: number
  first: number
  /** The offset behind the last record whose transaction is decided; undefined: behind the last. */
  lastStable: number | undefined
  readonly batches: StoredBatch[]
  readonly aborted: AbortedRange[]
}

interface OpenLine {
  readonly listener: LineListener
  readonly node: number
}

/** Brokers that speak Kafka's protocol in memory, as much of it as a reader and a writer need. */
export class FakeBrokers {
  readonly #clock: ManualClock
  readonly #logs = new Map<string, Log>()
  readonly #lines = new Set<OpenLine>()
  #waiting: (() => void)[] = []
  /** The nodes that nothing can reach. */
  readonly down = new Set<number>()
  /** How many batches an answer has at most. */
  batchesPerAnswer = 100
  /** Each request, as "Fetch orders-0@12". */
  readonly asked: string[] = []
  readonly committed = new Map<string, number>()
  /** Changes the bytes of an answer. */
  mangle: (name: string, bytes: Uint8Array) => Uint8Array = (_name, bytes) => bytes
  /** Answers nothing. */
  isSilent = false
  /** The requests, by name, of which the next is carried out and not answered: the connection ends. */
  readonly lost = new Set<string>()
  readonly writing = new FakeWriting((split) => this.#logs.get(split)?.leader)
  /** What the brokers say that they speak of the request for records. */
  fetchVersions: readonly [number, number] = [4, 17]
  /** What a request to prove who one is gets as an answer: the error, and bytes. */
  prove: (bytes: Uint8Array) => readonly [number, Uint8Array] = () => [0, new Uint8Array(0)]
  connections = 0

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  addPartition(topic: string, partition: number, leader = 1): Log {
    const log: Log = { leader, first: 0, lastStable: undefined, batches: [], aborted: [] }
    this.#logs.set(splitOf({ topic, partition }), log)
    return log
  }

  append(topic: string, partition: number, ...batches: readonly StoredBatch[]): void {
    this.#logs.get(splitOf({ topic, partition }))!.batches.push(...batches)
    this.#news()
  }

  /** Ends all connections to a node, or to all. */
  cut(node?: number): void {
    for (const line of this.#lines) {
      if (node !== undefined && line.node !== node) continue
      this.#lines.delete(line)
      line.listener.ended('the broker has ended the connection', false)
    }
  }

  readonly network: { -readonly [K in keyof Network]: Network[K] } = {
    dial: (host, _port, listener) => this.#dial(host, listener),
    timer: (ms, expired) => this.#clock.schedule(ms, expired),
  }

  #dial(host: string, listener: LineListener): Line {
    const node = Number(host.slice('broker-'.length))
    const line: OpenLine = { listener, node }
    const isThere = (): boolean => this.#lines.has(line)
    this.#lines.add(line)
    this.connections++
    queueMicrotask(() => {
      if (!isThere()) return
      if (!this.down.has(node)) {
        listener.opened()
        return
      }
      this.#lines.delete(line)
      listener.ended('the connection was refused', false)
    })
    // One request is answered after the other.
    let before = Promise.resolve()
    const frames = new Frames((frame) => {
      before = before.then(async () => {
        const answer = await this.#answer(frame, node, isThere)
        if (answer === undefined) this.cut(node)
        else if (isThere() && !this.isSilent) listener.data(answer)
      })
    })
    return {
      write: (bytes) => frames.push(bytes.slice()),
      close: () => void this.#lines.delete(line),
    }
  }

  async #answer(frame: Uint8Array, node: number, isThere: () => boolean): Promise<Uint8Array | undefined> {
    const request = new Cursor(frame)
    const api = request.int16()
    request.int16()
    const out = new WireWriter()
    out.int32(0)
    out.int32(request.int32())
    request.nullableText()
    const writing = this.writing.answerers.get(api)
    if (api === flexible) {
      request.skipTags()
      out.noTags()
    }
    writing?.[1](request, out, node)
    const name = writing?.[0] ?? (await this.#write(api, request, out, node, isThere))
    if (this.lost.delete(name)) return undefined
    const bytes = this.mangle(name, out.finish().slice())
    new DataView(bytes.buffer).setInt32(0, bytes.length - 4)
    return bytes
  }

  async #write(
    api: number,
    request: Cursor,
    out: WireWriter,
    node: number,
    isThere: () => boolean,
  ): Promise<string> {
    if (api === 18) return this.#versions(out)
    if (api === 3) return this.#metadata(request, out)
    if (api === 2) return this.#offsets(request, out, node)
    if (api === 1) return this.#records(request, out, node, isThere)
    if (api === 10) {
      out.int32(0)
      out.int16(0)
      out.text(null)
      this.#address(out, 1)
      return 'FindCoordinator'
    }
    if (api === 8) return this.#commit(request, out)
    if (api === 17) {
      out.int16(0)
      out.list(['PLAIN'], (mechanism) => out.text(mechanism))
      return 'SaslHandshake'
    }
    if (api !== 36) throw new Error(`unexpected request ${api}`)
    const [error, bytes] = this.prove(request.bytes())
    out.int16(error)
    out.text(null)
    out.bytes(bytes)
    out.int64(0)
    return 'SaslAuthenticate'
  }

  #versions(out: WireWriter): string {
    out.int16(0)
    out.list([1, 2, 3, 8, 10, 17, 36, ...this.writing.answerers.keys()], (api) => {
      out.int16(api)
      out.int16(api === 1 ? this.fetchVersions[0] : 0)
      out.int16(api === 1 ? this.fetchVersions[1] : 20)
    })
    return 'ApiVersions'
  }

  #address(out: WireWriter, node: number): void {
    out.int32(node)
    out.text(`broker-${node}`)
    out.int32(9092)
  }

  #metadata(request: Cursor, out: WireWriter): string {
    const wanted = request.list(() => request.text())
    out.int32(0)
    out.list([1, 2, 3], (node) => {
      this.#address(out, node)
      out.text(null)
    })
    out.text('cluster')
    out.int32(1)
    out.list(wanted, (topic) => {
      const partitions = [...this.#logs].filter(([split]) => split.startsWith(`${topic}-`))
      out.int16(partitions.length === 0 ? 3 : 0)
      out.text(topic)
      out.boolean(false)
      out.list(partitions, ([split, { leader }]) => {
        out.int16(0)
        out.int32(Number(split.slice(topic.length + 1)))
        out.int32(leader)
        out.int32(0)
        for (let lists = 0; lists < 3; lists++) out.int32(0)
      })
    })
    return 'Metadata'
  }

  #offsets(request: Cursor, out: WireWriter, node: number): string {
    request.int32()
    const isCommitted = request.int8() === 1
    const [[topic, partition, time]] = request.list(() => {
      const name = request.text()
      const [found] = request.list((): [number, number] => {
        const number = request.int32()
        request.int32()
        return [number, request.int64()]
      })
      return [name, ...found!] as const
    }) as [readonly [string, number, number]]
    const log = this.#logs.get(splitOf({ topic, partition }))!
    const offset = time === -2 ? log.first : endOf(log, isCommitted)
    out.int32(0)
    out.list([topic], (name) => {
      out.text(name)
      out.list([partition], (number) => {
        out.int32(number)
        out.int16(log.leader === node ? 0 : 6)
        out.int64(-1)
        out.int64(offset)
        out.int32(0)
      })
    })
    return 'ListOffsets'
  }

  async #records(request: Cursor, out: WireWriter, node: number, isThere: () => boolean): Promise<string> {
    request.int32()
    const waitMs = request.int32()
    request.int32()
    request.int32()
    const isCommitted = request.int8() === 1
    request.int32()
    request.int32()
    const wanted = request.list(() => {
      const topic = request.text()
      const [found] = request.list(() => {
        const partition = request.int32()
        request.int32()
        const offset = request.int64()
        request.int64()
        request.int32()
        return { topic, partition, offset }
      })
      return found!
    })
    this.asked.push(`Fetch ${wanted.map((of) => `${splitOf(of)}@${of.offset}`).join(' ')}`)
    const parts = (): readonly Part[] => wanted.map((of) => this.#part(of, node, isCommitted))
    const isEmpty = parts().every(({ error, found }) => error === 0 && found.length === 0)
    if (isEmpty && isThere()) await this.#wait(waitMs)
    out.int32(0)
    out.int16(0)
    out.int32(0)
    out.list(parts(), (part) => writePart(out, part, isCommitted))
    return 'Fetch'
  }

  #part(
    of: { readonly topic: string; readonly partition: number; readonly offset: number },
    node: number,
    isCommitted: boolean,
  ): Part {
    const log = this.#logs.get(splitOf(of))
    const end = log === undefined ? 0 : endOf(log, isCommitted)
    const error =
      log === undefined ? 3 : log.leader !== node ? 6 : of.offset < log.first || of.offset > end ? 1 : 0
    const found =
      error === 0
        ? log!.batches.filter(({ next }) => next > of.offset && next <= end).slice(0, this.batchesPerAnswer)
        : []
    return { of, error, found, log }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.schedule(ms, resolve)
      this.#waiting.push(resolve)
    })
  }

  #news(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #commit(request: Cursor, out: WireWriter): string {
    const group = request.text()
    request.int32()
    request.text()
    request.nullableText()
    const topics = request.list(() => {
      const topic = request.text()
      request.list(() => {
        const split = splitOf({ topic, partition: request.int32() })
        this.committed.set(`${group} ${split}`, request.int64())
        request.int32()
        request.nullableText()
      })
      return topic
    })
    out.int32(0)
    out.list(topics, (topic) => {
      out.text(topic)
      out.list([0], (partition) => {
        out.int32(partition)
        out.int16(0)
      })
    })
    return 'OffsetCommit'
  }
}

interface Part {
  readonly of: { readonly topic: string; readonly partition: number; readonly offset: number }
  readonly error: number
  readonly found: readonly StoredBatch[]
  readonly log: Log | undefined
}

function endOf({ batches, lastStable }: Log, isCommitted: boolean): number {
  const end = batches.at(-1)?.next ?? 0
  return isCommitted ? (lastStable ?? end) : end
}

function writePart(out: WireWriter, { of, error, found, log }: Part, isCommitted: boolean): void {
  out.text(of.topic)
  out.list([of.partition], (partition) => {
    out.int32(partition)
    out.int16(error)
    out.int64(log === undefined ? -1 : endOf(log, false))
    out.int64(log === undefined ? -1 : endOf(log, true))
    out.int64(0)
    const behind = found.at(-1)?.next ?? of.offset
    const aborted = isCommitted
      ? (log?.aborted ?? []).filter(({ first, mark }) => first < behind && mark >= of.offset)
      : []
    out.list(aborted, ({ producer, first }) => {
      out.int64(producer)
      out.int64(first)
    })
    out.int32(-1)
    out.bytes(Uint8Array.from(found.flatMap(({ bytes }) => [...bytes])))
  })
}
