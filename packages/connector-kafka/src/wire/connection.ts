import { describeError } from '@millrace/core'
import { KafkaFailure, type World } from '../cluster.ts'
import type { SaslOptions } from '../options.ts'
import { Cursor, WireError } from './cursor.ts'
import { codes, failureOf } from './codes.ts'
import { Frames } from './frames.ts'
import type { Line, LineListener, Network } from './line.ts'
import {
  authenticateRequest,
  handshakeRequest,
  versionsRequest,
  type Request,
  type SpokenVersions,
} from './request.ts'
import { authenticate } from './sasl.ts'
import { WireWriter } from './wire-writer.ts'

/** How connections are made. */
export interface ConnectionOptions {
  readonly network: Network
  readonly clientId: string
  readonly sasl: SaslOptions | undefined
  /** How long an answer may take. */
  readonly requestMs: number
}

interface Waiting {
  readonly name: string
  readonly correlation: number
  readonly take: (answer: Cursor) => void
  readonly fail: (error: KafkaFailure) => void
  readonly timer: Disposable
}

/** A part of the lifetime that a broker grants is kept, so that no request comes too late. */
const usedLifetime = 0.8

/** A connection to one broker. Answers come in the order of the requests. */
export class Connection implements LineListener {
  readonly #options: ConnectionOptions
  readonly #world: World
  readonly #address: string
  readonly #line: Line
  readonly #frames = new Frames((frame) => this.#answer(frame))
  #waiting: Waiting[] = []
  #sent = 0
  #failure: KafkaFailure | undefined
  /** What the broker speaks, by request. */
  #spoken: ReadonlyMap<number, SpokenVersions> | undefined
  #expiresAt = Infinity
  #opening: { readonly resolve: () => void; readonly reject: (error: KafkaFailure) => void } | undefined

  /** Connects, and proves who this is. Rejects with a `KafkaFailure`. */
  static async open(
    host: string,
    port: number,
    options: ConnectionOptions,
    world: World,
  ): Promise<Connection> {
    const connection = new Connection(host, port, options, world)
    try {
      await connection.#opened()
      connection.#spoken = new Map(
        (await connection.ask(versionsRequest)).map((spoken) => [spoken.api, spoken]),
      )
      if (options.sasl !== undefined) await connection.#authenticate(options.sasl)
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }

  private constructor(host: string, port: number, options: ConnectionOptions, world: World) {
    this.#options = options
    this.#world = world
    this.#address = `${host}:${port}`
    this.#line = options.network.dial(host, port, this)
  }

  /** Whether requests can be sent. */
  get isUsable(): boolean {
    return this.#failure === undefined && this.#world.clock.monotonic() < this.#expiresAt
  }

  opened(): void {
    this.#opening?.resolve()
    this.#opening = undefined
  }

  data(bytes: Uint8Array): void {
    if (this.#failure !== undefined) return
    try {
      this.#frames.push(bytes)
    } catch (error) {
      this.#fail(codes.transport, describeError(error))
    }
  }

  ended(reason: string, isAboutTrust: boolean): void {
    this.#fail(isAboutTrust ? codes.tls : codes.transport, reason)
  }

  /** Sends a request. `extraMs` is how long the broker may wait on purpose. Rejects with a `KafkaFailure`. */
  ask<T>(request: Request<T>, extraMs = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      const failure = this.#failure ?? this.#unspoken(request)
      if (failure !== undefined) {
        reject(failure)
        return
      }
      const correlation = this.#sent++
      const limitMs = this.#options.requestMs + extraMs
      const timer = this.#options.network.timer(limitMs, () =>
        this.#fail(codes.timedOut, `no answer to ${request.name} for ${limitMs / 1_000} s`),
      )
      const take = (answer: Cursor): void => {
        if (request.isFlexible === true) answer.skipTags()
        resolve(request.read(answer))
      }
      this.#waiting.push({ name: request.name, correlation, take, fail: reject, timer })
      this.#line.write(framed(request, correlation, this.#options.clientId))
    })
  }

  close(): void {
    this.#fail(codes.transport, 'the connection was closed')
  }

  #opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      const { requestMs, network } = this.#options
      const timer = network.timer(requestMs, () =>
        this.#fail(codes.timedOut, `no connection after ${requestMs / 1_000} s`),
      )
      const settled =
        <V>(settle: (value: V) => void) =>
        (value: V): void => {
          timer[Symbol.dispose]()
          settle(value)
        }
      this.#opening = { resolve: settled<void>(resolve), reject: settled(reject) }
    })
  }

  #unspoken({ name, api, version, since = '2.3' }: Request<unknown>): KafkaFailure | undefined {
    if (this.#spoken === undefined) return undefined
    const spoken = this.#spoken.get(api)
    if (spoken !== undefined && spoken.first <= version && version <= spoken.last) return undefined
    const range = spoken === undefined ? 'none' : `${spoken.first} to ${spoken.last}`
    const message = `${this.#address} speaks no version ${version} of ${name}, but ${range}; brokers from Kafka ${since} on do`
    return new KafkaFailure(codes.unsupported, message, true)
  }

  async #authenticate(sasl: SaslOptions): Promise<void> {
    const mechanism = (sasl.mechanism ?? 'scram-sha-256').toUpperCase()
    const { error, mechanisms } = await this.ask(handshakeRequest(mechanism))
    if (error !== 0) {
      throw refused(`the broker takes ${mechanisms.join(', ') || 'no mechanism'}, and not ${mechanism}`)
    }
    try {
      await authenticate(sasl, async (bytes) => {
        const answer = await this.ask(authenticateRequest(bytes))
        if (answer.error !== 0) throw refused(answer.message ?? `error ${answer.error}`)
        if (answer.lifetimeMs > 0) {
          this.#expiresAt = this.#world.clock.monotonic() + answer.lifetimeMs * usedLifetime
        }
        return answer.bytes
      })
    } catch (error_) {
      if (error_ instanceof KafkaFailure) throw error_
      throw refused(describeError(error_))
    }
  }

  #answer(frame: Uint8Array): void {
    const answer = new Cursor(frame)
    const correlation = answer.int32()
    const waiting = this.#waiting[0]
    if (waiting?.correlation !== correlation) {
      throw new WireError(`an answer has the number ${correlation}, and ${waiting?.correlation} is awaited`)
    }
    try {
      waiting.take(answer)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      throw new WireError(`the answer to ${waiting.name} cannot be read: ${error.message}`)
    }
    this.#waiting.shift()
    waiting.timer[Symbol.dispose]()
  }

  #fail(code: number, reason: string): void {
    if (this.#failure !== undefined) return
    const failure = failureOf(code, `${this.#address}: ${reason}`)
    this.#failure = failure
    this.#line.close()
    this.#opening?.reject(failure)
    this.#opening = undefined
    for (const { fail, timer } of this.#waiting.splice(0)) {
      timer[Symbol.dispose]()
      fail(failure)
    }
  }
}

function refused(reason: string): KafkaFailure {
  return failureOf(codes.authentication, `authentication failed: ${reason}`)
}

function framed<T>(request: Request<T>, correlation: number, clientId: string): Uint8Array {
  const out = new WireWriter(512 + (request.bytes ?? 0))
  out.int32(0)
  out.int16(request.api)
  out.int16(request.version)
  out.int32(correlation)
  out.text(clientId)
  if (request.isFlexible === true) out.noTags()
  request.write(out)
  const bytes = out.finish()
  new DataView(bytes.buffer).setInt32(0, bytes.length - 4)
  return bytes
}
