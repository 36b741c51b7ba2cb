import { ManualClock } from '@millrace/world'
import { Connection } from '../src/amqp/connection.ts'
import { Cursor } from '../src/amqp/cursor.ts'
import { FrameWriter } from '../src/amqp/frame-writer.ts'
import { Frames, frameTypes } from '../src/amqp/frames.ts'
import type { Line, LineListener, Network } from '../src/amqp/line.ts'
import { methods, writeLimits, writeMethod } from '../src/amqp/methods.ts'
import { writeHead, type ContentProperties } from '../src/amqp/content.ts'
import { writeTable } from '../src/amqp/table.ts'

/** What the broker answers to a method of the client; undefined: nothing. */
type Answer = { readonly id: number; readonly write?: (out: FrameWriter) => void }

const answers = new Map<number, Answer>([
  [methods.channelOpen, { id: methods.channelOpenOk, write: (out) => out.longText('') }],
  [methods.channelClose, { id: methods.channelCloseOk }],
  [methods.confirmSelect, { id: methods.confirmSelectOk }],
  [methods.qos, { id: methods.qosOk }],
  [methods.consume, { id: methods.consumeOk, write: (out) => out.shortText('millrace') }],
  [
    methods.queueDeclare,
    {
      id: methods.queueDeclareOk,
      write: (out) => {
        out.shortText('q')
        out.uint32(3)
        out.uint32(1)
      },
    },
  ],
  [methods.close, { id: methods.closeOk }],
])

/** A broker in memory, which answers as one does until a test makes it stop. */
export class FakeBroker {
  readonly clock = new ManualClock()
  /** The methods of the client, in their order. */
  readonly asked: number[] = []
  /** The methods that it does not answer. */
  readonly unanswered = new Set<number>()
  /** How the line has ended on the client's side. */
  ended: 'destroyed' | 'closed' | undefined
  #listener: LineListener | undefined
  readonly #cursor = new Cursor()
  readonly #frames = new Frames(2 ** 24, (type, channel, bytes, at, end) => {
    if (type === frameTypes.method) this.#method(channel, this.#cursor.reset(bytes, at, end).uint32())
  })
  #hasGreeted = false

  /** Opens a connection, which takes at most ten seconds. */
  open(signal: AbortSignal = new AbortController().signal): Promise<Connection> {
    const login = { username: 'guest', password: 'guest', vhost: '/' }
    const dial = (listener: LineListener): Line => {
      this.#listener = listener
      return {
        write: (bytes) => this.#receive(Buffer.from(bytes)),
        end: () => (this.ended = 'closed'),
        destroy: () => (this.ended = 'destroyed'),
      }
    }
    const network: Network = { dial, timer: (ms, expired) => this.clock.schedule(ms, expired) }
    const opening = Connection.open({ network, login, connectMs: 10_000 }, signal)
    queueMicrotask(() => this.#listener!.opened())
    return opening
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void {
    this.#listener!.data(Buffer.from(bytes))
  }

  /** Sends frames. */
  write(write: (out: FrameWriter) => void): void {
    this.send(framesOf(write))
  }

  method(channel: number, id: number, write?: (out: FrameWriter) => void): void {
    this.write((out) => writeMethod(out, channel, id, write))
  }

  /** Lets time pass in which the broker says that it is there, and nothing else. */
  async beat(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.write((out) => {
        out.begin(frameTypes.heartbeat, 0)
        out.end()
      })
      await this.clock.advance(1_000)
    }
  }

  #receive(bytes: Buffer): void {
    if (this.#hasGreeted) {
      this.#frames.push(bytes)
      return
    }
    this.#hasGreeted = true
    if (this.unanswered.has(methods.start)) return
    this.method(0, methods.start, (out) => {
      out.uint8(0)
      out.uint8(9)
      writeTable(out, { product: 'RabbitMQ' })
      out.longText('PLAIN AMQPLAIN')
      out.longText('en_US')
    })
  }

  #method(channel: number, id: number): void {
    this.asked.push(id)
    if (this.unanswered.has(id)) return
    // After the client has sent all of it.
    queueMicrotask(() => {
      if (this.ended !== undefined) return
      if (id === methods.startOk)
        this.method(0, methods.tune, (out) =>
          writeLimits(out, { channelMax: 2_047, frameMax: 131_072, heartbeatSeconds: 60 }),
        )
      else if (id === methods.open) this.method(0, methods.openOk, (out) => out.shortText(''))
      const answer = answers.get(id)
      if (answer !== undefined) this.method(channel, answer.id, answer.write)
    })
  }
}

export function framesOf(write: (out: FrameWriter) => void): Buffer {
  const out = new FrameWriter()
  write(out)
  return out.take()
}

/** Writes a message of a queue as frames: its method, its head, and its bytes in one frame or several. */
export function writeDelivery(
  out: FrameWriter,
  tag: number,
  content: Uint8Array,
  { properties = {}, size = content.length }: { properties?: ContentProperties; size?: number } = {},
): void {
  writeMethod(out, 1, methods.deliver, () => {
    out.shortText('millrace')
    out.int64(tag)
    out.uint8(0)
    out.shortText('')
    out.shortText('q')
  })
  out.begin(frameTypes.header, 1)
  writeHead(out, size, properties)
  out.end()
  if (content.length > 0) writeBody(out, content)
}

export function writeBody(out: FrameWriter, content: Uint8Array): void {
  out.begin(frameTypes.body, 1)
  out.bytes(content)
  out.end()
}
