/** The part of `@confluentinc/kafka-javascript` that is used: its callback API. */

export interface NativeModule {
  /** Settings of topics are given with the others: where they are given apart, librdkafka ignores those among the others. */
  readonly KafkaConsumer: new (settings: object) => NativeConsumer
  readonly Producer: new (settings: object) => NativeProducer
  readonly AdminClient: { createFrom(client: NativeConsumer): NativeAdmin }
}

export type NativeCallback<T = unknown> = (error: NativeError | null | undefined, result: T) => void

/** An error of librdkafka. */
export interface NativeError {
  readonly message: string
  readonly code?: number
  readonly isFatal?: boolean
}

export interface NativePartition {
  readonly topic: string
  readonly partition: number
  readonly offset?: number
  readonly error?: NativeError
}

export interface NativeMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly Readonly<Record<string, Uint8Array>>[]
}

export interface NativeMetadata {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly unknown[] }[]
}

export interface NativeClient {
  connect(options: object, callback: NativeCallback): void
  disconnect(callback: NativeCallback): void
  getMetadata(options: object, callback: NativeCallback<NativeMetadata>): void
  on(event: 'event.error', listener: (error: NativeError) => void): void
}

export interface NativeConsumer extends NativeClient {
  on(event: 'event.error', listener: (error: NativeError) => void): void
  on(event: 'event.log', listener: (log: { readonly message: string }) => void): void
  on(event: 'partition.eof', listener: (end: Required<Omit<NativePartition, 'error'>>) => void): void
  on(event: 'data', listener: (message: NativeMessage) => void): void
  setDefaultConsumeTimeout(milliseconds: number): void
  consume(limit: number, callback: NativeCallback): void
  incrementalAssign(partitions: readonly NativePartition[]): void
  incrementalUnassign(partitions: readonly NativePartition[]): void
  pause(partitions: readonly NativePartition[]): void
  resume(partitions: readonly NativePartition[]): void
  /** What it knows without asking. Throws if it knows nothing. */
  getWatermarkOffsets(topic: string, partition: number): { readonly highOffset: number }
  offsetsForTimes(
    partitions: readonly NativePartition[],
    timeoutMs: number,
    callback: NativeCallback<readonly NativePartition[]>,
  ): void
  committed(
    partitions: readonly NativePartition[],
    timeoutMs: number,
    callback: NativeCallback<readonly NativePartition[]>,
  ): void
  commitCb(partitions: readonly NativePartition[], callback: NativeCallback): void
}

export interface NativeProducer extends NativeClient {
  on(event: 'event.error', listener: (error: NativeError) => void): void
  on(event: 'delivery-report', listener: (error: NativeError | null | undefined) => void): void
  produce(
    topic: string,
    partition: number,
    value: Uint8Array | null,
    key: Uint8Array | null,
    timestamp: number,
    opaque: undefined,
    headers: readonly Readonly<Record<string, Uint8Array>>[] | undefined,
  ): void
  poll(): void
  flush(timeoutMs: number, callback: NativeCallback): void
  disconnect(callback: NativeCallback): void
  disconnect(timeoutMs: number, callback: NativeCallback): void
  initTransactions(timeoutMs: number, callback: NativeCallback): void
  beginTransaction(callback: NativeCallback): void
  sendOffsetsToTransaction(
    offsets: readonly NativePartition[],
    consumer: NativeConsumer,
    timeoutMs: number,
    callback: NativeCallback,
  ): void
  commitTransaction(timeoutMs: number, callback: NativeCallback): void
  abortTransaction(timeoutMs: number, callback: NativeCallback): void
}

export interface NativeAdmin {
  listOffsets(
    partitions: readonly { readonly topic: string; readonly partition: number; readonly offset: object }[],
    options: object,
    callback: NativeCallback<readonly NativePartition[]>,
  ): void
}
