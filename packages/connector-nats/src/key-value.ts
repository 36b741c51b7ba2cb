import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { StreamMessage } from './message.ts'
import { serverOf, invalid, type NatsServer, type NatsOptions } from './options.ts'
import type { ReadOptions } from './stream-source.ts'
import { isStreamName } from './stream-source.ts'
import { isPattern } from './subject.ts'

/** What has happened to a key of a bucket. */
export type KeyChange<T> = KeyPut<T> | KeyDeletion

interface KeyPlace {
  readonly key: string
  /** Its number in the bucket: a later change has a larger one. */
  readonly revision: number
  /** When the server has stored it, in milliseconds since 1970. */
  readonly timestamp: number
}

/** A key has a new value. */
export interface KeyPut<T> extends KeyPlace {
  readonly kind: 'put'
  readonly value: T
}

/** A key has no value any longer: it was deleted or purged, or its time to live is over. */
export interface KeyDeletion extends KeyPlace {
  readonly kind: 'deletion'
}

/** Which bucket is read, and from where. */
export interface ReadKeysOptions extends NatsOptions, Pick<ReadOptions, 'from' | 'ifTrimmed'> {
  /** The name of a bucket of the key-value store. */
  readonly bucket: string
  /** Only these keys, which may have the wildcards `*` and `>`. Default: all. */
  readonly keys?: string | readonly string[]
}

/** Which bucket keys are looked up in. */
export interface LookUpOptions extends NatsOptions {
  readonly bucket: string
}

/** A stream keeps what a bucket has. */
const streamOf = (bucket: string): string => `KV_${bucket}`
const subjectOf = (bucket: string, key: string): string => `$KV.${bucket}.${key}`

/** An answer may take so long. */
const timeoutMs = 20_000

/** The options for reading the stream of a bucket. Throws `OPTION_INVALID`. */
export function streamOptions(what: string, options: ReadKeysOptions): ReadOptions {
  // The options of a stream are not those of a bucket.
  serverOf(what, options, ['bucket', 'keys', 'from', 'ifTrimmed'])
  const { bucket, keys, ...rest } = options
  requireBucket(what, bucket)
  const patterns = typeof keys === 'string' ? [keys] : (keys ?? ['>'])
  if (!patterns.every(isPattern))
    throw invalid(what, 'keys has something that is no key and no pattern of keys')
  const subjects = patterns.map((pattern) => subjectOf(bucket, pattern))
  return { ...rest, stream: streamOf(bucket), subjects }
}

/** The change that a message of the stream of a bucket is. What `decode` throws is a failure of the message. */
export function changeOf<T>(message: StreamMessage, decode: (data: Uint8Array) => T): KeyChange<T> {
  const { subject, headers, data, sequence: revision, timestamp } = message
  const key = subject.split('.').slice(2).join('.')
  return isDeletion(headers)
    ? { kind: 'deletion', key, revision, timestamp }
    : { kind: 'put', key, value: decode(data), revision, timestamp }
}

function isDeletion(headers: StreamMessage['headers']): boolean {
  const operation = headers['KV-Operation']?.[0]
  return operation === 'DEL' || operation === 'PURGE' || headers['Nats-Marker-Reason'] !== undefined
}

/**
 * Looks up keys. The connection is open while calls are in progress, and is made anew for the next ones, so a job that ends
 * leaves nothing open.
 */
export class KeyLookup<T> {
  readonly #what: string
  readonly #bucket: string
  readonly #server: NatsServer
  readonly #decode: (data: Uint8Array) => T
  #connection: Promise<NatsConnection> | undefined
  #calls = 0

  /** Throws `OPTION_INVALID`. */
  constructor(what: string, options: LookUpOptions, decode: (data: Uint8Array) => T) {
    requireBucket(what, options.bucket)
    this.#what = what
    this.#bucket = options.bucket
    this.#server = serverOf(what, options, ['bucket'])
    this.#decode = decode
  }

  /** Resolves to the values of those keys that have one. Rejects if the server cannot be asked, or a value cannot be decoded. */
  async load(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, T>> {
    signal.throwIfAborted()
    this.#calls++
    try {
      return await orAborted(this.#rows(keys), signal)
    } catch (error) {
      signal.throwIfAborted()
      throw this.#named(error)
    } finally {
      if (--this.#calls === 0) this.#close()
    }
  }

  async #rows(keys: readonly string[]): Promise<ReadonlyMap<string, T>> {
    const manager = await jetstreamManager(await this.#connected(), { checkAPI: false, timeout: timeoutMs })
    const rows = new Map<string, T>()
    // A text that cannot be a key has no value, and must not be sent: it could be a pattern.
    const asked = keys.filter((key) => /^[-/=.\w]+$/.test(key) && !/^\.|\.$|\.\./.test(key))
    const found = await Promise.all(
      asked.map((key) =>
        manager.streams.getMessage(streamOf(this.#bucket), { last_by_subj: subjectOf(this.#bucket, key) }),
      ),
    )
    for (const [index, message] of found.entries()) {
      if (message === null) continue
      const { header, data } = message
      const operations = Object.fromEntries(header.keys().map((name) => [name, header.values(name)]))
      if (!isDeletion(operations)) rows.set(asked[index]!, this.#decode(data))
    }
    return rows
  }

  async #connected(): Promise<NatsConnection> {
    const known = await this.#connection?.catch(() => undefined)
    if (known?.isClosed() === false) return known
    this.#connection = this.#server.open()
    return this.#connection
  }

  #close(): void {
    const connection = this.#connection
    this.#connection = undefined
    void connection?.then((nc) => nc.close()).catch(() => {})
  }

  #named(error: unknown): Error {
    const { address, reasonOf } = this.#server
    return new Error(`${this.#what}: no answer of bucket ${this.#bucket} on ${address}: ${reasonOf(error)}`)
  }
}

function requireBucket(what: string, bucket: unknown): void {
  if (isStreamName(bucket)) return
  throw invalid(what, 'bucket is no name of a bucket')
}

function orAborted<R>(result: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
