import type { Sink } from '../connect/sink.ts'
import type { Source } from '../connect/source.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Key } from '../record/key.ts'
import type { EventTime } from '../record/time.ts'
import type { Step } from '../operator/fuse.ts'
import type { Operator } from '../operator/operator.ts'
import type { Fingerprint } from '../state/fingerprint.ts'

/**
 * What the user said, as plain data: nodes that name where their input comes from. Nothing here runs.
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

/** What happens when user code throws on a record, or bytes cannot be decoded. */
export type ErrorPolicy =
  /** Stop without committing. The default. */
  | { readonly kind: 'fail' }
  /** Leave the record out and count it. */
  | { readonly kind: 'skip' }
  /** Send a `DeadLetter` to the node's output named `errorOutput` and go on. */
  | { readonly kind: 'deadLetter' }

/** The name of the output that carries dead letters. */
export const errorOutput = 'errors'

/** What a node reads: an output of an earlier node, and how records choose the subtask they go to. */
export interface Input {
  /** What an operator with several inputs calls it: "left". State and messages refer to it. Absent where there is one. */
  readonly name?: string
  readonly from: NodeId
  /** `'main'`, `'late'`, `errorOutput` or another output that the node `from` declares. */
  readonly output: string
  readonly exchange: Exchange
}

/** A node's number, unique in its graph. */
export type NodeId = number

interface NodeCommon {
  readonly id: NodeId
  /** Unique in the graph. For stateful nodes given by the user, because state is filed under it. */
  readonly name: string
  readonly onError: ErrorPolicy
}

/** Where records enter the pipeline. */
export interface SourceNode extends NodeCommon {
  readonly kind: 'source'
  readonly source: Source<unknown>
}

/** A stateless step; neighbours are fused into one call. `union` is a step with several inputs and kind `pass`. */
export interface StepNode extends NodeCommon {
  readonly kind: 'step'
  readonly inputs: readonly Input[]
  readonly step: Step
}

/**
 * Gives records their event time. Comes right after a source, or after steps with one input each: the
 * engine runs those steps inside the source, so that every split has its own watermark.
 */
export interface TimestampsNode extends NodeCommon {
  readonly kind: 'timestamps'
  readonly inputs: readonly [Input]
  readonly timestamps: TimestampSpec
}

/** How records get their event time, and how far behind one another they may be. */
export interface TimestampSpec {
  /** Event time of a value in milliseconds since the epoch. Anything but a finite number is `TIMESTAMP_INVALID`. */
  readonly at: (value: unknown) => EventTime
  /** Whether the user said what unit times are in. If not, times that are likely in another one are refused. */
  readonly isUnitGiven: boolean
  /** How far behind the newest record of its split a record may be without being late, in milliseconds. */
  readonly maxOutOfOrdernessMs: number
  /** A split that is caught up and brings nothing for this long stops holding back the watermark. Undefined: never. */
  readonly idleAfterMs: number | undefined
  /** Whether the watermark moves on with the clock while all splits are idle. */
  readonly advancesWhenIdle: boolean
}

/** Anything that runs as an `Operator`: process, reduce, scan, windows, splits, joins. */
export interface OperatorNode extends NodeCommon {
  readonly kind: 'operator'
  /** What kind of operator, for `explain`: "window", "process", "reduce". */
  readonly type: string
  /**
   * What it reads. Several inputs have names, all of them keys or none, and share state, timers and watermark: that is
   * the least of theirs. `Operator.process` is given the number of the record's input.
   */
  readonly inputs: readonly [Input, ...Input[]]
  /** What it keeps, so that a checkpoint is never restored into something else. Undefined: it keeps nothing. */
  readonly fingerprint: Fingerprint | undefined
  /** Side outputs besides `'main'`. */
  readonly outputs: readonly string[]
  /** Called once per subtask, and again after each restart. */
  readonly create: () => Operator<unknown, unknown>
  /** For `explain`: what it keeps and until when, as a sentence. */
  readonly keeps?: string
}

/** User code that waits for the outside world. */
export interface AsyncNode extends NodeCommon {
  readonly kind: 'async'
  readonly inputs: readonly [Input]
  readonly apply: (value: unknown, signal: AbortSignal) => Promise<unknown>
  /** How many calls may be in flight per subtask. */
  readonly concurrency: number
  /** Whether calls of one key run one after another, or at the same time as others. */
  readonly serial: 'key' | 'none'
  /** In which order results leave: as they come, as their inputs came, or as their inputs came within each key. */
  readonly order: 'none' | 'input' | 'key'
  /** A call that takes longer fails its record. Undefined: wait. */
  readonly timeoutMs: number | undefined
}

/** Where records leave the pipeline. Several streams may end in one sink. */
export interface SinkNode extends NodeCommon {
  readonly kind: 'sink'
  readonly inputs: readonly Input[]
  readonly sink: Sink<unknown>
}

/** What gives the records of an operator their keys, by input; empty for an operator without a key. */
export function keysOf(node: OperatorNode): readonly ((value: unknown) => Key)[] {
  return node.inputs.flatMap(({ exchange }) => (exchange.kind === 'key' ? [exchange.by] : []))
}

/** The inputs of an operator with other contents, as many as they are. */
export function mapInputs(
  inputs: OperatorNode['inputs'],
  change: (input: Input) => Input,
): OperatorNode['inputs'] {
  const [first, ...others] = inputs
  return [change(first), ...others.map(change)]
}

/** What a node reads; nothing for a source. */
export function inputsOf(node: GraphNode): readonly Input[] {
  return node.kind === 'source' ? [] : node.inputs
}
