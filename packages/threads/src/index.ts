// Functions in worker threads.
export { pool, Pool } from './pool/pool.ts'
export type { PoolArgument, PoolFunctionName, PoolOptions, PoolResult } from './pool/pool.ts'
export { WorkerCrashError } from './pool/worker-crash-error.ts'

// Channels that cross threads.
export { openChannel, SharedChannel, sharedChannel } from './channel/shared-channel.ts'
export type { ChannelHandle, SharedChannelOptions } from './channel/shared-channel.ts'
export { ChannelBrokenError } from './ring/broken-channel-error.ts'
export { SharedLink, sharedLink } from './link/shared-link.ts'
export type { LinkHandle } from './link/shared-link.ts'
export { watchWorker } from './node-threads.ts'
export type { WorkerLimits } from './node-threads.ts'

// Single threads, for programs that supervise them.
export { parentThread, startWorker } from './node-threads.ts'
export type { ParentThread, WorkerEvents, WorkerStart, WorkerThread } from './node-threads.ts'

// Values as bytes.
export { bytesCodec, jsonCodec, structuredCloneCodec, textCodec } from './codec/plain-codecs.ts'
export { recordCodec } from './codec/record-codec.ts'
export type { FieldKind, RecordOf, RecordSchema } from './codec/record-codec.ts'
export type { RingCodec, RingMemory } from './codec/ring-codec.ts'
