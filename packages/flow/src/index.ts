/** The typed, fluent API of Millrace pipelines and its standard operators. */

// Pipelines.
export { isPipeline, pipeline } from './pipeline.ts'
export { jobOptionsOf } from './job-options.ts'
export type { StartOptions } from './job-options.ts'
export type {
  JobSettings,
  Pipeline,
  PipelineBuilder,
  PipelineDescription,
  StateKind,
  StopBudgets,
} from './pipeline.ts'
export type {
  Parameter,
  ParameterDeclaration,
  ParameterTypes,
  ParameterValue,
  ParameterValues,
} from './parameter.ts'
export { deadLetter, fail, retryThenDeadLetter, skip } from './error-policy.ts'
export type { BreakerOptions, RetryOptions } from './retry-rules.ts'
export type { OnError } from './error-policy.ts'

// Event times.
export { timeFormat } from './event-time/time-format.ts'
export type { TimeParser } from './event-time/time-format.ts'
export type { TimeUnit, TimeValue } from './event-time/read-time.ts'
export { adaptiveWatermark, punctuatedWatermark } from './event-time/watermarks.ts'
export type { AdaptiveWatermarkOptions } from './event-time/watermarks.ts'

// Streams.
export type {
  KeyedStreamOf,
  OutputTests,
  SourceStream,
  SplitOutputs,
  Stream,
  StreamOf,
  TimedStream,
  ValueOf,
  AnyKeyedStream,
  KeyedStream,
  KeyedValue,
  KeyOfKeyed,
  MatchedStream,
  ProcessedStream,
  TimedKeyedStream,
  ValueOfKeyed,
  AggregatedStream,
  WindowedStream,
  WindowResult,
  WindowKey,
  WindowTable,
  ClockWindowedStream,
  PaneResult,
  AnySink,
  AnyTable,
  AppliesChanges,
  ATableChangesItsRowsAndThisSinkOnlyAppends,
  GroupedTable,
  GroupResult,
  FirstRecords,
  KeyOfTable,
  NewestRows,
  RankedValue,
  RowOf,
  RowValue,
  Table,
  TableView,
  ViewsOf,
} from './stream.ts'
export type {
  AsyncOptions,
  BulkheadOptions,
  KeyedBulkheadOptions,
  RateOptions,
  OperatorOptions,
  SinkOptions,
  StepOptions,
  TimestampOptions,
  Timing,
  KeepFirstOptions,
  KeyedAsyncOptions,
  AggregateOptions,
  PaneOptions,
  UpdatesOptions,
  TableOptions,
  TopNOptions,
  ToStreamOptions,
} from './stream-options.ts'
export type { OperatorsDoNotWaitUseMapAsync, Synchronous } from './synchronous.ts'

// Calls.
export type { LookupKey } from './calls/loader.ts'
export type { LookupCacheOptions, LookupSpec } from './calls/lookup.ts'

// Two streams.
export { connect } from './connect.ts'
export type {
  ConnectedStreams,
  MeetsBy,
  OneStreamHasTimestampsAndTheOtherHasNone,
  TheKeysOfTheTwoStreamsHaveDifferentTypes,
} from './connect.ts'
export { connectBroadcast } from './connect-broadcast.ts'
export type {
  BroadcastContext,
  BroadcastRecord,
  BroadcastSpec,
  BroadcastStreams,
} from './connect-broadcast.ts'
export type { AggregateResults, AggregatingState, ReducingState } from './operators/folding-state.ts'
export type { VersionedState } from './operators/versioned-state.ts'
export type { ReadOnlyHandles, Reading } from './operators/read-only-state.ts'
export { join } from './join/join.ts'
export type { HasEventTime, JoinsNeedEventTime } from './join/join.ts'
export type {
  AsOfJoin,
  AsOfOptions,
  Cogroup,
  IntervalJoin,
  IntervalOptions,
  JoinedStream,
  JoiningStreams,
  WindowJoin,
} from './join/joining-streams.ts'

// Tables.
export { enrich } from './table/enrich.ts'
export type { EnrichedBy, Enriching, EnrichOptions } from './table/enrich.ts'
export type { TableJoinOptions, TableTtlOptions } from './table/living-table.ts'
export { joinByForeignKey } from './table/join-by-foreign-key.ts'
export type { ForeignKeyJoin } from './table/join-by-foreign-key.ts'
export { joinTables } from './table/join-tables.ts'
export type {
  JoiningTables,
  OuterJoinOptions,
  OuterRow,
  SharesKeys,
  TablesByName,
  TheKeysOfTheTablesHaveDifferentTypes,
} from './table/join-tables.ts'

// Operators with state.
export { output } from './operators/process.ts'
export type {
  ConnectSpec,
  EventTimers,
  OutputSpec,
  OutputSpecs,
  ProcessContext,
  ProcessingTimers,
  ProcessOutput,
  ProcessParts,
  ProcessRecord,
  ProcessSeed,
  ProcessSpec,
  ProcessTimer,
} from './operators/process.ts'
export { state } from './operators/state-spec.ts'
export type { StateHandles, StateOptions, StateSpec, StateSpecs } from './operators/state-spec.ts'
export type { SeedRows, ValueSeed } from './operators/seed.ts'
export type { StatefulOptions } from './operators/stateful-options.ts'
export type { StateTtlOption, StateTtlOptions, TtlOption, TtlOptions } from './operators/ttl.ts'

// Patterns.
export { pattern } from './pattern/pattern.ts'
export type {
  AnyPattern,
  EarlierOf,
  Match,
  Pattern,
  PatternGroup,
  PatternGroupLoop,
  PatternLoop,
  PatternStage,
  StageCondition,
  StageGuard,
  TimedOutMatch,
} from './pattern/pattern.ts'
export type { MatchOptions } from './pattern/match-parts.ts'
export type { AfterMatch } from './pattern/after-match.ts'

// Records gathered, thinned out or held back.
export type { BatchOptions, KeyedBatch } from './pacing/batch.ts'
export type { DelayOptions } from './pacing/delay.ts'
export type { PacingClock, PacingClockOption } from './pacing/pacing-clock.ts'
export type { DebounceOptions, SampleOptions } from './pacing/sample.ts'
export type { ThrottleOptions } from './pacing/throttle.ts'

// Windows.
export { calendar } from './window/calendar.ts'
export type { CalendarOptions } from './window/calendar.ts'
export type { CalendarUnit, Weekday } from './event-time/calendar-spans.ts'
export { cumulative } from './window/cumulative.ts'
export { countWindow, globalWindow } from './window/global.ts'
export type { CountWindowOptions, GlobalWindows } from './window/global.ts'
export type { Pane } from './window/pane.ts'
export { byClock } from './window/clock.ts'
export type { ClockWindows } from './window/clock.ts'
export { evictor } from './window/evictor.ts'
export type { Evictor, EvictorOptions, WindowRecord } from './window/evictor.ts'
export { trailing } from './window/trailing.ts'
export type { TrailingWindows } from './window/trailing.ts'
export { trigger } from './window/trigger.ts'
export type { ClockOptions, Condition, EndTrigger, Firing, Moment, WaitingPane } from './window/trigger.ts'
export type { CumulativeOptions } from './window/cumulative.ts'
export { session } from './window/session.ts'
export { customWindows } from './window/custom.ts'
export type { CustomWindows } from './window/custom.ts'
export { sliding } from './window/sliding.ts'
export type { SlidingOptions } from './window/sliding.ts'
export { tumbling } from './window/tumbling.ts'
export type { TumblingOptions } from './window/tumbling.ts'
export type { MergingWindows, Slice, Window, WindowAssigner, WindowsFingerprint } from './window/assigner.ts'

// Reading checkpoints without their program.
export { storedForms } from './window/stored-forms.ts'

// Aggregates.
export { aggregator } from './window/aggregate.ts'
export type { Aggregate, Aggregates } from './window/aggregate.ts'
export { collect } from './window/collect.ts'
export { count } from './window/count.ts'
export { countDistinct } from './window/count-distinct.ts'
export { approximateCountDistinct } from './sketch/approximate-count-distinct.ts'
export type { CountDistinctOptions, DistinctSketch } from './sketch/approximate-count-distinct.ts'
export { heavyHitters } from './sketch/heavy-hitters.ts'
export type { FrequencySketch, HeavyHitter, HeavyHittersOptions } from './sketch/heavy-hitters.ts'
export { quantiles } from './sketch/quantiles.ts'
export type { QuantileSketch, QuantilesOptions } from './sketch/quantiles.ts'
export { max, min } from './window/extreme.ts'
export type { Comparable } from './window/extreme.ts'
export { mean } from './window/mean.ts'
export type { MeanAccumulator } from './window/mean.ts'
export { sum, sumBigint } from './window/sum.ts'
export { top } from './window/top.ts'

// Dead letters that are kept in the data directory.
export { readLetters, removeLetters } from './dead-letters/letters.ts'
export type { KeptLetter } from './dead-letters/letters.ts'
export { queueLetters } from './dead-letters/redrive.ts'
export { rehearsalOf } from './dead-letters/rehearsal.ts'
export type { Rehearsal } from './dead-letters/rehearsal.ts'
