import { AmqpError } from './amqp-error.ts'
import { Channel } from './channel.ts'
import { Cursor } from './cursor.ts'
import { FrameWriter } from './frame-writer.ts'
import { Frames, frameTypes } from './frames.ts'
import { Handshake, type Login } from './handshake.ts'
import type { Line, LineListener, Network } from './line.ts'
import { methods, nameOf, readClose, writeClose, writeMethod, type Limits } from './methods.ts'

/** How a connection is made. */
export interface ConnectionOptions {
  readonly network: Network
  readonly login: Login
  /** How long it may take until the connection can be used. */
  readonly connectMs: number
}

/** The bytes of a frame that this client takes at most. It is what RabbitMQ proposes. */
const frameMax = 131_072
/** A side that has nothing to send says so in this time, and one that is silent for twice as long counts as lost. */
const heartbeatSeconds = 10
/** How often a connection looks whether the broker is still there. */
const looksInHeartbeat = 2
/** So many looks may pass without a byte, and so many without the end of a frame that has begun. */
const silentLooks = 2 * looksInHeartbeat
const insideLooks = looksInHeartbeat
/** So many looks may pass without an answer. A broker that elects a leader of a queue answers late. */
const answerLooks = 3 * silentLooks
/** How long the broker has to say goodbye. */
const closeMs = 2_000

/**
 * A connection to a broker.
 *
 * What a broker never sends ends it: bytes that are no frame, a frame that nothing has asked for, a frame that does not end, an
 * answer that does not come.
 */
export class Connection implements LineListener {
  /** Rejects when it is closed, by whatever. */
  readonly lost: Promise<never>
  /** Gets why the broker takes no messages for now, and undefined when it takes them again. */
  blocked: (reason: string | undefined) => void = () => {}
  readonly #network: Network
  readonly #line: Line
  readonly #out = new FrameWriter()
  readonly #cursor = new Cursor()
  readonly #frames = new Frames(frameMax, (type, channel, bytes, at, end) =>
    this.#frame(type, channel, this.#cursor.reset(bytes, at, end)),
  )
  readonly #channels = new Map<number, Channel>()
  #handshake: Handshake | undefined
  #limits: Limits = { channelMax: 1, frameMax, heartbeatSeconds }
  #error: Error | undefined
  #isBlocked = false
  #isFlushing = false
  #isClosing = false
  #hasSent = false
  #hasReceived = false
  #silentLooks = 0
  #insideLooks = 0
  #alarm: Disposable | undefined
  #lose!: (error: Error) => void

  /** Connects, and opens a virtual host; `signal` ends that. Rejects with a `BrokerError` if the broker refuses it. */
  static async open(
    { network, login, connectMs }: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<Connection> {
    signal.throwIfAborted()
    const connection = new Connection(network)
    const abort = (): void => connection.#fail(new Error('the connection is no longer wanted'))
    const deadline = network.timer(connectMs, () =>
      connection.#fail(new Error(`no connection after ${connectMs / 1_000} s`)),
    )
    signal.addEventListener('abort', abort, { once: true })
    try {
      connection.#limits = await Promise.race([connection.#greeted(login), connection.lost])
      connection.#look()
      return connection
    } finally {
      deadline[Symbol.dispose]()
      signal.removeEventListener('abort', abort)
    }
  }

  private constructor(network: Network) {
    this.#network = network
    this.lost = new Promise<never>((_resolve, reject) => (this.#lose = reject))
    this.lost.catch(() => {})
    this.#line = network.dial(this)
  }

  get isClosed(): boolean {
    return this.#error !== undefined || this.#isClosing
  }

  /** Whether the broker reads nothing of it for now, because it lacks memory or disk space. */
  get isBlocked(): boolean {
    return this.#isBlocked
  }

  async channel(): Promise<Channel> {
    if (this.#error !== undefined) throw this.#error
    const { channelMax, frameMax: most } = this.#limits
    let number = 1
    while (this.#channels.has(number)) number++
    if (number > channelMax) throw new Error(`the broker allows ${channelMax} channels on a connection`)
    const channel = new Channel({
      number,
      frameMax: most,
      send: (write) => this.#send(write),
      closed: () => this.#channels.delete(number),
    })
    this.#channels.set(number, channel)
    await channel.open()
    return channel
  }

  async confirmChannel(): Promise<Channel> {
    const channel = await this.channel()
    await channel.confirm()
    return channel
  }

  /** Closes it when everything is sent, without waiting for the broker. */
  close(): void {
    if (this.isClosed) return
    this.#isClosing = true
    this.#send((out) => writeMethod(out, 0, methods.close, () => writeClose(out, 'done')))
    this.#alarm?.[Symbol.dispose]()
    this.#alarm = this.#network.timer(closeMs, () => this.#fail(closedHere()))
    this.#lose(closedHere())
  }

  opened(): void {
    this.#handshake?.begin()
    this.#flush()
  }

  data(bytes: Buffer): void {
    if (this.#error !== undefined) return
    this.#hasReceived = true
    try {
      if (this.#handshake !== undefined) this.#handshake.check(bytes)
      this.#frames.push(bytes)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  ended(reason: string): void {
    this.#fail(this.#isClosing ? closedHere() : new Error(reason))
  }

  #greeted(login: Login): Promise<Limits> {
    return new Promise((resolve) => {
      this.#handshake = new Handshake({
        login,
        wanted: this.#limits,
        out: this.#out,
        done: (limits) => {
          this.#handshake = undefined
          resolve(limits)
        },
      })
    })
  }

  #frame(type: number, number: number, cursor: Cursor): void {
    this.#insideLooks = 0
    if (type === frameTypes.heartbeat) {
      if (number !== 0 || cursor.left > 0) throw new AmqpError('a heartbeat has a channel or a content')
    } else if (number === 0) {
      if (type !== frameTypes.method) throw new AmqpError('bytes of a message come without a channel')
      this.#method(cursor.uint32(), cursor)
    } else {
      const channel = this.#channels.get(number)
      if (channel === undefined) throw new AmqpError(`there is no channel ${number}`)
      if (type === frameTypes.method) channel.method(cursor.uint32(), cursor)
      else if (type === frameTypes.header) channel.head(cursor)
      else if (type === frameTypes.body) channel.body(cursor)
      else throw new AmqpError(`there are no frames of type ${type}`)
    }
  }

  /** Handles a method that is about the connection. */
  #method(id: number, cursor: Cursor): void {
    if (id === methods.close) {
      const error = readClose(cursor, this.#handshake?.isAtHost === true)
      this.#send((out) => writeMethod(out, 0, methods.closeOk))
      this.#flush()
      this.#fail(error, true)
    } else if (this.#handshake !== undefined) {
      this.#handshake.method(id, cursor)
      this.#flush()
    } else if (id === methods.closeOk && this.#isClosing) this.#fail(closedHere(), true)
    else if (id === methods.blocked) this.#block(cursor.shortText())
    else if (id === methods.unblocked) this.#block(undefined)
    else throw new AmqpError(`the broker sends ${nameOf(id)}, which nothing has asked for`)
  }

  #block(reason: string | undefined): void {
    this.#isBlocked = reason !== undefined
    this.blocked(reason)
  }

  #send(write: (out: FrameWriter) => void): void {
    if (this.#error !== undefined) throw this.#error
    const { mark } = this.#out
    try {
      write(this.#out)
    } catch (error) {
      this.#out.reset(mark)
      throw error
    }
    if (this.#isFlushing) return
    this.#isFlushing = true
    // What is written in one go is sent in one piece.
    queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    this.#isFlushing = false
    if (this.#error !== undefined || this.#out.isEmpty) return
    this.#hasSent = true
    this.#line.write(this.#out.take())
  }

  /** Looks again and again whether the broker is there, and says that this side is. */
  #look(): void {
    const { heartbeatSeconds: seconds } = this.#limits
    this.#alarm = this.#network.timer((seconds * 1_000) / looksInHeartbeat, () => {
      if (this.isClosed) return
      this.#silentLooks = this.#hasReceived ? 0 : this.#silentLooks + 1
      this.#insideLooks = this.#frames.isInside ? this.#insideLooks + 1 : 0
      if (!this.#hasSent)
        this.#send((out) => {
          out.begin(frameTypes.heartbeat, 0)
          out.end()
        })
      this.#flush()
      this.#hasSent = false
      this.#hasReceived = false
      const problem = this.#problem(seconds)
      if (problem === undefined) this.#look()
      else this.#fail(new Error(problem))
    })
  }

  #problem(seconds: number): string | undefined {
    if (this.#silentLooks >= silentLooks) return `the broker was silent for ${2 * seconds} s`
    if (this.#insideLooks >= insideLooks) return `a frame of the broker did not end in ${seconds} s`
    // What it does not read it cannot answer.
    if (this.#isBlocked) return undefined
    for (const channel of this.#channels.values()) {
      const asked = channel.hasWaited(answerLooks)
      if (asked !== undefined) return `the broker has not answered ${asked} in ${6 * seconds} s`
    }
    return undefined
  }

  /** `isOver`: the last word was said, and is sent. */
  #fail(error: Error, isOver = false): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#alarm?.[Symbol.dispose]()
    if (isOver) this.#line.end()
    else this.#line.destroy()
    for (const channel of this.#channels.values()) channel.lose(error)
    this.#channels.clear()
    this.#lose(error)
  }
}

function closedHere(): Error {
  return new Error('the connection is closed')
}
