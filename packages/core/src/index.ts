/** The Millrace engine: time, state, operators, checkpoints and the runtime. */

// kernel
export { assert, unreachable } from './kernel/assert.ts'
export { ByteReader, ByteWriter } from './kernel/bytes.ts'
export type { Codec } from './kernel/codec.ts'
export { numberCodec, stringCodec } from './kernel/codecs.ts'
export { crc32 } from './kernel/crc32.ts'
export { decodeJson, decodeText, jsonDepthMax, parseJson } from './kernel/decode.ts'
export { makeDurableDirectory, putIntoDirectory } from './kernel/durable-directory.ts'
export { encodeJson } from './kernel/encode-json.ts'
export type { Batch, Element, Origin } from './kernel/element.ts'
export { describeError, isMillraceError, MillraceError } from './kernel/errors.ts'
export type { ErrorCode, ErrorDetails } from './kernel/errors.ts'
export { evolvingCodec } from './kernel/evolving-codec.ts'
export { floorMod } from './kernel/floor-mod.ts'
export type { Fs, FsEntry, FsFile, FsMode, FsStat } from './kernel/fs.ts'
export type { Json } from './kernel/json.ts'
export type { Key } from './kernel/key.ts'
export { keyGroup, keyGroupRange, subtaskOfGroup } from './kernel/key-group.ts'
export type { KeyGroupRange } from './kernel/key-group.ts'
export { keyToken, readToken, tokenKey, writeToken } from './kernel/key-token.ts'
export type { KeyToken } from './kernel/key-token.ts'
export { nearest } from './kernel/nearest.ts'
export type { Owner } from './kernel/owner.ts'
export type { Platform, ProcessFacts, ProcessIdentity } from './kernel/platform.ts'
export { describeValue } from './kernel/safe-json.ts'
export { structuredCodec } from './kernel/structured-codec.ts'
export { isThenable, refusePromise } from './kernel/synchronous.ts'
export type { NotAPromise } from './kernel/synchronous.ts'
export { durationMs, positiveDurationMs } from './kernel/time.ts'
export type { Duration, EventTime } from './kernel/time.ts'
export { PagedList } from './kernel/paged-list.ts'
export { TokenMap } from './kernel/token-map.ts'
export type { Pacing, Slicing } from './kernel/yield-budget.ts'
export {
  publishFile,
  readWhole,
  removeIfThere,
  removeTemporaries,
  temporaryOf,
  writeFully,
  writeFullyAt,
} from './kernel/whole-file.ts'

// state
export { backupByCodec, backupByLength, backupByReference } from './state/backup.ts'
export type { Backup } from './state/backup.ts'
export { noPieces, settingText, statePiece } from './state/fingerprint.ts'
export type { EarlierSetting, Fingerprint, StatePiece, StateSetting } from './state/fingerprint.ts'
export type { ListState, MapState, ValueState } from './state/handles.ts'
export type {
  Cell,
  DiscardedState,
  OpenStateStore,
  StateStore,
  StateStoreOptions,
  StateTable,
  StoreSnapshot,
  StoreUsage,
  TableSpec,
} from './state/state-store.ts'
export { TransientTable } from './state/transient-table.ts'

// operator
export { Chain } from './operator/chain.ts'
export { Cursor } from './operator/cursor.ts'
export type { DeadLetter } from './operator/failure-policy.ts'
export type { Step } from './operator/fuse.ts'
export { OperatorError } from './operator/operator-error.ts'
export type {
  Collector,
  Operator,
  OperatorContext,
  OperatorMetric,
  StateDescriptor,
  StreamRecord,
  Timer,
  Timers,
} from './operator/operator.ts'

// connect
export * as memory from './connect/memory.ts'
export type { Collected, MemorySink } from './connect/memory.ts'
export type { RejectRecord, Sink, SinkWriter } from './connect/sink.ts'
export type {
  ClosedSplit,
  ConnectorContext,
  DecodeFailure,
  Discovery,
  Poll,
  Source,
  SplitReader,
} from './connect/source.ts'

// exchange
export type { Exchange } from './exchange/exchange.ts'

// graph
export { checkedGraph, checkedOperator } from './graph/checked-graph.ts'
export type {
  GraphExplanation,
  Guarantee,
  InputExplanation,
  PartExplanation,
  SinkExplanation,
  Weakness,
} from './graph/explain.ts'
export { errorOutput, inputsOf } from './graph/node.ts'
export type {
  AsyncNode,
  ErrorPolicy,
  Graph,
  GraphNode,
  Input,
  NodeId,
  OperatorNode,
  SinkNode,
  SourceNode,
  StepNode,
  TimestampsNode,
  TimestampSpec,
} from './graph/node.ts'
export { validateGraph } from './graph/validate.ts'

// plan
export { explain } from './plan/explain-plan.ts'
export type { Explanation, TaskExplanation } from './plan/explain-plan.ts'
export { explanationMermaid } from './plan/explanation-mermaid.ts'
export { explanationText } from './plan/explanation-text.ts'
export { planGraph } from './plan/plan.ts'
export type { Plan, TaskPlan } from './plan/plan.ts'

// checkpoint
export { CheckpointStorage } from './checkpoint/checkpoint-storage.ts'
export { planRestore } from './checkpoint/compatibility.ts'
export type { PartPlan, RestoreOptions, RestorePlan } from './checkpoint/compatibility.ts'
export type { Manifest, OperatorEntry } from './checkpoint/manifest.ts'

// runtime
export { DataDirectory } from './runtime/data-directory.ts'
export { FinishedSplits, finishedSplitsSpec } from './runtime/finished-splits.ts'
export { startJob } from './runtime/job.ts'
export type { Job, JobResult, JobStatus } from './runtime/job.ts'
export type { CheckpointOptions, JobOptions } from './runtime/job-options.ts'
export { defaultRestartPolicy } from './runtime/restart-policy.ts'
export type { RestartPolicy } from './runtime/restart-policy.ts'

// observe
export type { EventTimeWait } from './observe/event-time-wait.ts'
export type { JobEvent, JobObserver } from './observe/job-events.ts'
export type { CheckpointFigures, TaskMetrics } from './observe/metrics.ts'
