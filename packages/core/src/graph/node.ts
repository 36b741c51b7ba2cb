import type { Clock } from '@millrace/world'
import type { Sink } from '../connect/sink.ts'
import type { Source } from '../connect/source.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { RecordHeaders } from '../record/headers.ts'
import type { Key } from '../record/key.ts'
import type { EventTime } from '../record/time.ts'
import type { WatermarkGenerator } from '../time/watermark-generator.ts'
import type { Step } from '../operator/fuse.ts'
import type { KeySelectors } from '../operator/key-kinds.ts'
import type { Operator } from '../operator/operator.ts'
import type { Fingerprint } from '../state/fingerprint.ts'
import type { OperatorView } from '../state/view.ts'

/**
 * A pipeline as plain data: nodes and where their inputs come from. Nothing here runs.
 *
 * Nodes are listed so that inputs come before the nodes that use them.
 */
export interface Graph {
  /** The pipeline's name. */
  readonly name: string
  readonly nodes: readonly GraphNode[]
}

/** One part of a pipeline, by kind. */
export type GraphNode = SourceNode | StepNode | TimestampsNode | OperatorNode | AsyncNode | SinkNode

/** What to do when user code throws on a record, or bytes cannot be decoded. */
export type ErrorPolicy =
  /** Stop without committing. The default. */
  | { readonly kind: 'fail' }
  /** Skip the record and count it. */
  | { readonly kind: 'skip' }
  /**
   * Send a `DeadLetter` to the node's output named `errorOutput` and continue. With `retry` a record is tried again before;
   * used by steps and operators whose input has event times already, or never gets any, and by sinks.
   */
  | { readonly kind: 'deadLetter'; readonly retry?: RetryRules | undefined }

/** The name of the output that carries dead letters. */
export const errorOutput = 'errors'

/** An input of a node: an output of an earlier node, and how records are routed to subtasks. */
export interface Input {
  /**
   * The operator's name of this input: "left". State and messages refer to it. Absent if there is only one.
   */
  readonly name?: string
  readonly from: NodeId
  /** `'main'`, `'late'`, `errorOutput` or another output declared by the node `from`. */
  readonly output: string
  readonly exchange: Exchange
}

/** A node's number, unique in its graph. */
export type NodeId = number

interface NodeCommon {
  readonly id: NodeId
  /** Unique in the graph. Required for stateful nodes, because state is stored under it. */
  readonly name: string
  readonly onError: ErrorPolicy
}

/** Where records enter the pipeline. */
export interface SourceNode extends NodeCommon {
  readonly kind: 'source'
  readonly source: Source<unknown>
}

/**
 * A stateless step; neighbours are fused into one call. `union` is a step of kind `pass` with several inputs.
 */
export interface StepNode extends NodeCommon {
  readonly kind: 'step'
  readonly inputs: readonly Input[]
  readonly step: Step
}

/**
 * Assigns event times to records. It follows a source, or steps with one input each: the engine runs those
 * steps inside the source, so that every split has its own watermark.
 */
export interface TimestampsNode extends NodeCommon {
  readonly kind: 'timestamps'
  readonly inputs: readonly [Input]
  readonly timestamps: TimestampSpec
}

/** How records get their event times, and their out-of-orderness. */
export interface TimestampSpec {
  /**
   * Event time of a value in milliseconds since the epoch. Any value but a finite number is
   * `TIMESTAMP_INVALID`. `now` is the processing time, which never goes back.
   */
  readonly at: (value: unknown, now: () => EventTime) => EventTime
  /**
   * Whether the user has set the unit of times. If not, times that are probably in another unit are rejected.
   */
  readonly isUnitGiven: boolean
  /** How far behind the newest record of its split a record may be without being late, in milliseconds. */
  readonly maxOutOfOrdernessMs: number
  /** Determines the watermark of each split; absent: its newest time minus `maxOutOfOrdernessMs`. */
  readonly generator?: WatermarkGenerator
  /**
   * A split that has returned all data and nothing new for this long no longer blocks the watermark.
   * Undefined: never.
   */
  readonly idleAfterMs: number | undefined
  /**
   * How far a split may be ahead of the slowest source or split that its records meet, in milliseconds. Absent: any
   * distance.
   */
  readonly maxDriftMs?: number
  /** Whether the watermark advances with the clock while all splits are idle. */
  readonly advancesWhenIdle: boolean
}

/** Rows that the state of an operator begins with. */
export interface Seed {
  /** Names these rows. A checkpoint contains it, so that a start notices others. */
  readonly id: string
  /**
   * The rows: what a source has now, read to its end, or a function that returns them. Every subtask reads all of them,
   * and again when the job fails before its first checkpoint.
   */
  readonly rows: Source<unknown> | (() => Iterable<unknown> | AsyncIterable<unknown>)
  readonly keyOf: (row: unknown) => Key
  /** The event time of a row in milliseconds since the epoch. Absent: its values have none. */
  readonly timeOf?: ((row: unknown) => EventTime) | undefined
}

/** Any `Operator`: process, reduce, scan, windows, splits, joins. */
export interface OperatorNode extends NodeCommon {
  readonly kind: 'operator'
  /** The type of operator, for `explain`: "window", "process", "reduce". */
  readonly type: string
  /**
   * Its inputs. Several inputs have names, all of them keys or none, and share state, timers and watermark,
   * which is the lowest of theirs. `Operator.process` receives the number of the record's input. Inputs behind
   * the first may be broadcast: their records have no key and come to every subtask.
   */
  readonly inputs: readonly [Input, ...Input[]]
  /**
   * The fingerprint of its state, so that a checkpoint is never restored into something else. Undefined: no
   * state.
   */
  readonly fingerprint: Fingerprint | undefined
  /** Side outputs besides `'main'`. */
  readonly outputs: readonly string[]
  /** Those that the user has declared: one without a reader is reported as a mistake. Default: none. */
  readonly declared?: readonly string[]
  /**
   * Whether it emits results when time has passed, which then have no headers; `explain` says so where records may have some.
   * Default false.
   */
  readonly emitsLater?: boolean
  /** Called once per subtask, and again after each restart. */
  readonly create: () => Operator<unknown, unknown>
  /** For `explain`: its state and how long it is kept, as a phrase. */
  readonly keeps?: string
  /** What its state begins with: `Operator.seeded` gets each row. Only with a key. Default: nothing. */
  readonly seed?: Seed | undefined
  /**
   * The program reads its state through this view, so all its subtasks run in the thread that started the job. It need not
   * lead to a sink. Default: none.
   */
  readonly view?: OperatorView | undefined
}

/** Asynchronous user code. */
export interface AsyncNode extends NodeCommon {
  readonly kind: 'async'
  readonly inputs: readonly [Input]
  readonly apply: AsyncFunction
  /** How many calls may be in flight per subtask. */
  readonly concurrency: number
  /** Whether calls of one key run one after another, or in parallel. */
  readonly serial: 'key' | 'none'
  /** The order of results: as they are ready, input order, or input order within each key. */
  readonly order: 'none' | 'input' | 'key'
  /** A call that takes longer fails its record. Undefined: no limit. */
  readonly timeoutMs: number | undefined
  /** When a call that has failed is made again. Undefined: never. */
  readonly retry?: RetryRules | undefined
  /** When no calls are made for a while, because many have failed. Used with `retry`. Undefined: never. */
  readonly breaker?: BreakerRules | undefined
  /** How many calls may begin in a time, in all subtasks together. Undefined: no limit. */
  readonly rate?: RateRules | undefined
  /** Limits for the calls of each group of records. Undefined: none. */
  readonly bulkhead?: BulkheadRules | undefined
  /** After how long a second call is made for a record whose first one has not ended. Undefined: never. */
  readonly hedgeMs?: number | undefined
  /** Returns the result of a record whose calls have failed. Undefined: the record follows the error policy. */
  readonly fallback?: ((value: unknown, error: unknown) => unknown) | undefined
}

/** Limits for the calls of each group of records, so that no group uses up what the others need. */
export interface BulkheadRules {
  /** The group of a record. Undefined: its key. */
  readonly by: ((value: unknown) => Key) | undefined
  /** How many calls of a group may run at once in a subtask; infinite: no limit. */
  readonly concurrency: number
  /** How many calls of a group may begin in a time, in all subtasks together. Undefined: no limit. */
  readonly rate: RateRules | undefined
}

/** How many calls may begin in a time. */
export interface RateRules {
  readonly calls: number
  readonly perMs: number
}

/** The function of an asynchronous operator. `headers` are an empty object for a record without any. */
export type AsyncFunction = (
  value: unknown,
  signal: AbortSignal,
  scope: CallScope,
  headers: RecordHeaders,
) => Promise<unknown>

/** One subtask's run of an asynchronous operator. A restarted job has another. */
export interface CallScope {
  readonly clock: Clock
}

/** When what has failed is tried again: a call, a record at an operator, a write. */
export interface RetryRules {
  /** How many attempts there are in all, the first one included; infinite: no limit. */
  readonly attempts: number
  /** The pause after the first failure; it doubles with each one, up to `longestDelayMs`. */
  readonly firstDelayMs: number
  readonly longestDelayMs: number
  /** No attempt begins later than this after the first failure. Absent: no limit. */
  readonly budgetMs?: number | undefined
  /** Whether an attempt that failed so may succeed later. Default: any. */
  readonly retryIf?: ((error: unknown) => boolean) | undefined
}

/** When calls are not made for a while because the system behind them is down. */
export interface BreakerRules {
  /** So many failures in a row open the breaker. */
  readonly failures: number
  /** How long it is open before one call tries whether the system is back. */
  readonly openMs: number
}

/** Where records leave the pipeline. Several streams may end in one sink. */
export interface SinkNode extends NodeCommon {
  readonly kind: 'sink'
  readonly inputs: readonly Input[]
  readonly sink: Sink<unknown>
  /**
   * When calls of the sink are repeated that failed because its system cannot be reached. Absent: the defaults of
   * `SinkCalls`.
   */
  readonly retry?: RetryRules | undefined
  /** When no call is made for a while, because many have failed. Absent: the same. */
  readonly breaker?: BreakerRules | undefined
}

/**
 * The key selectors of an operator, by input; undefined for a broadcast input. Empty for an operator without a
 * key.
 */
export function keysOf(node: OperatorNode): KeySelectors {
  const keys = node.inputs.map(({ exchange }) => (exchange.kind === 'key' ? exchange.by : undefined))
  return keys[0] === undefined ? [] : keys
}

/** Maps the inputs of an operator, keeping their number. */
export function mapInputs(
  inputs: OperatorNode['inputs'],
  change: (input: Input) => Input,
): OperatorNode['inputs'] {
  const [first, ...others] = inputs
  return [change(first), ...others.map(change)]
}

/** The inputs of a node; none for a source. */
export function inputsOf(node: GraphNode): readonly Input[] {
  return node.kind === 'source' ? [] : node.inputs
}
