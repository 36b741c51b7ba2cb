/**
 * Stream processing for TypeScript: one file, always current, exact after a crash.
 *
 * What a pipeline needs, from one package. Connectors have packages of their own: `@millrace/connector-files`,
 * `@millrace/connector-http`, `@millrace/connector-stdio`, `@millrace/connector-generator`.
 */

// Pipelines and what they are made of.
export {
  connect,
  deadLetter,
  fail,
  join,
  output,
  pattern,
  pipeline,
  skip,
  state,
  timeFormat,
} from '@millrace/flow'
export type {
  AfterMatch,
  AggregatedStream,
  AggregateOptions,
  AnyPattern,
  AsOfJoin,
  AsOfOptions,
  Cogroup,
  IntervalJoin,
  IntervalOptions,
  JoinedStream,
  JoiningStreams,
  WindowJoin,
  AsyncOptions,
  BreakerOptions,
  RetryOptions,
  ConnectedStreams,
  ConnectSpec,
  EventTimers,
  JobSettings,
  FirstRecords,
  KeepFirstOptions,
  KeyedAsyncOptions,
  KeyedStream,
  KeyedStreamOf,
  KeyedValue,
  ListSpec,
  LookupCacheOptions,
  LookupKey,
  LookupSpec,
  MapSpec,
  Match,
  MatchedStream,
  MatchOptions,
  OnError,
  OperatorOptions,
  OutputTests,
  SinkOptions,
  OutputSpec,
  OutputSpecs,
  Parameter,
  ParameterDeclaration,
  ParameterTypes,
  ParameterValue,
  ParameterValues,
  Pattern,
  PatternGroup,
  PatternGroupLoop,
  PatternLoop,
  PatternStage,
  Pipeline,
  PipelineBuilder,
  PipelineDescription,
  ProcessContext,
  ProcessedStream,
  ProcessingTimers,
  ProcessOutput,
  ProcessParts,
  ProcessRecord,
  ProcessSpec,
  ProcessTimer,
  SourceStream,
  SplitOutputs,
  StartOptions,
  StateHandles,
  GroupedTable,
  GroupResult,
  RankedValue,
  Table,
  TableOptions,
  TopNOptions,
  ToStreamOptions,
  StateSpecs,
  StepOptions,
  Stream,
  StreamOf,
  TimedKeyedStream,
  TimedOutMatch,
  TimedStream,
  TimeParser,
  TimestampOptions,
  TimeUnit,
  TimeValue,
  Timing,
  ValueOf,
  ValueSpec,
  WindowedStream,
  WindowResult,
} from '@millrace/flow'

// Windows and aggregates.
export {
  aggregator,
  approximateCountDistinct,
  collect,
  count,
  countDistinct,
  customWindows,
  heavyHitters,
  max,
  mean,
  min,
  quantiles,
  session,
  sliding,
  calendar,
  cumulative,
  sum,
  sumBigint,
  top,
  tumbling,
} from '@millrace/flow'
export type {
  Aggregate,
  Aggregates,
  Comparable,
  CountDistinctOptions,
  CustomWindows,
  DistinctSketch,
  FrequencySketch,
  HeavyHitter,
  HeavyHittersOptions,
  MeanAccumulator,
  MergingWindows,
  QuantileSketch,
  QuantilesOptions,
  SlidingOptions,
  CalendarOptions,
  CalendarUnit,
  Weekday,
  CumulativeOptions,
  TumblingOptions,
  Window,
} from '@millrace/flow'

// Words of the engine that programs meet.
export { memory } from '@millrace/connector-memory'
export { durationMs, evolvingCodec, isMillraceError, MillraceError, structuredCodec } from '@millrace/core'
export type { MemoryInput, MemoryOutput, MemorySink, MemoryTable } from '@millrace/connector-memory'
export type { Change, ChangeKind, Codec, Duration, ErrorCode, EventTime, Json, Key } from '@millrace/core'
export type { DeadLetter } from '@millrace/core/operator'
export type {
  ChangeSink,
  RejectRecord,
  Sink,
  SinkWriter,
  Source,
  SplitReader,
} from '@millrace/core/connector'

// Running a pipeline from a program; the `millrace` command does it for you.
export { run, start } from './run.ts'
export type { RunOptions } from './run.ts'
// The engine's own functions, for settings that `run` and `start` have no option for.
export { startJob } from '@millrace/core/job'
export type { StateStore } from '@millrace/core/store'
export type { Platform } from '@millrace/core/disk'
export type {
  Job,
  JobEvent,
  JobObserver,
  JobOptions,
  JobResult,
  JobStatus,
  RestartPolicy,
} from '@millrace/core/job'
export { nodePlatform } from '@millrace/node'
export { memoryStore } from '@millrace/store-memory'
