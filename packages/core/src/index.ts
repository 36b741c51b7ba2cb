/** The Millrace engine: time, state, operators, checkpoints and the runtime. */

// kernel
export { assert, unreachable } from './kernel/assert.ts'
export { ByteReader, ByteWriter } from './kernel/bytes.ts'
export type { Codec } from './kernel/codec.ts'
export { decodeJson, decodeText, jsonDepthMax } from './kernel/decode.ts'
export type { Batch, Element, Origin } from './kernel/element.ts'
export { describeError, isMillraceError, MillraceError } from './kernel/errors.ts'
export type { ErrorCode, ErrorDetails } from './kernel/errors.ts'
export type { Fs, FsEntry, FsFile, FsStat } from './kernel/fs.ts'
export type { Json } from './kernel/json.ts'
export type { KeyGroupRange } from './kernel/key-group.ts'
export type { KeyToken } from './kernel/key-token.ts'
export type { Platform, ProcessFacts } from './kernel/platform.ts'
export { durationMs, positiveDurationMs } from './kernel/time.ts'
export type { Duration, EventTime } from './kernel/time.ts'
export { publishFile, readWhole, writeFully } from './kernel/whole-file.ts'

// state
export type {
  Cell,
  OpenStateStore,
  StateStore,
  StateStoreOptions,
  StateTable,
  StoreSnapshot,
  StoreUsage,
  TableSpec,
} from './state/state-store.ts'

// connect
export type { Sink, SinkWriter } from './connect/sink.ts'
export type {
  ConnectorContext,
  DecodeFailure,
  Discovery,
  Poll,
  Source,
  SplitReader,
} from './connect/source.ts'
