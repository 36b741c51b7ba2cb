/** The Millrace engine: time, state, operators, checkpoints and the runtime. */

// errors
export { docsLink, docsSections } from './errors/docs-link.ts'
export { assert, unreachable } from './errors/errors.ts'
export { describeError, isMillraceError, MillraceError } from './errors/errors.ts'
export type { ErrorCode, ErrorDetails } from './errors/errors.ts'
export { nearest } from './errors/nearest.ts'
export { printableLine } from './errors/printable.ts'
export { describeValue } from './errors/safe-json.ts'
export { isThenable, refusePromise } from './errors/synchronous.ts'
export type { NotAPromise } from './errors/synchronous.ts'

// codec
export { ByteReader, ByteWriter } from './codec/bytes.ts'
export type { Codec } from './codec/codec.ts'
export { numberCodec, stringCodec } from './codec/codec.ts'
export { crc32 } from './codec/crc32.ts'
export { decodeJson, decodeText, jsonDepthMax, parseJson } from './codec/decode.ts'
export { encodeJson } from './codec/json.ts'
export { evolvingCodec } from './codec/evolving-codec.ts'
export { jsonElements } from './codec/json-scan.ts'
export { LineSplitter, withoutByteOrderMark } from './codec/line-splitter.ts'
export type { Line } from './codec/line-splitter.ts'
export type { Json } from './codec/json.ts'
export { structuredCodec } from './codec/structured-codec.ts'

// record
export type { Batch, Element, Origin } from './record/element.ts'
export { keyGroup, keyGroupRange, subtaskOfGroup } from './record/key-group.ts'
export type { KeyGroupRange } from './record/key-group.ts'
export { keyToken, readToken, tokenKey, writeToken } from './record/key-token.ts'
export type { KeyToken } from './record/key-token.ts'
export type { Key } from './record/key.ts'
export { durationMs, positiveDurationMs } from './record/time.ts'
export type { Duration, EventTime } from './record/time.ts'
export { TokenMap } from './record/token-map.ts'

// disk
export { makeDurableDirectory, putIntoDirectory } from './disk/durable-directory.ts'
export type { Fs, FsEntry, FsFile, FsMode, FsStat } from './disk/fs.ts'
export type { Owner } from './disk/owner.ts'
export type { Platform, ProcessFacts, ProcessIdentity } from './disk/platform.ts'
export {
  publishFile,
  readAt,
  readWhole,
  removeIfThere,
  removeTemporaries,
  temporaryOf,
  writeFully,
  writeFullyAt,
} from './disk/whole-file.ts'
export type { Pacing, Slicing } from './disk/yield-budget.ts'

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

// time
export { PagedList } from './time/paged-list.ts'

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
export { parserOf } from './connect/schema.ts'
export type { Schema, SchemaIssue, SchemaResult, StandardSchema } from './connect/schema.ts'

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
export { errorOutput, inputsOf, keysOf, mapInputs } from './graph/node.ts'
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

// task
export { FinishedSplits, finishedSplitsSpec } from './task/finished-splits.ts'

// job
export { DataDirectory } from './job/data-directory.ts'
export type { CheckpointOptions, JobOptions } from './job/job-options.ts'
export { startJob } from './job/job.ts'
export type { Job, JobResult, JobStatus } from './job/job.ts'
export { defaultRestartPolicy } from './job/restart-policy.ts'
export type { RestartPolicy } from './job/restart-policy.ts'

// observe
export type { EventTimeWait } from './observe/event-time-wait.ts'
export type { JobEvent, JobObserver } from './observe/job-events.ts'
export type { CheckpointFigures, TaskMetrics } from './observe/metrics.ts'
