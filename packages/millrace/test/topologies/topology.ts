/** A drawn pipeline as plain data: what it reads, what it does with it, and where the results go. */
import type { Sink, Source } from '@millrace/core'
import type { Change, Grouping, Joining, Reading, Test } from './item.ts'

/** A whole pipeline. Parts stand in an order in which each reads only what comes before it. */
export interface Topology {
  readonly seed: number
  readonly sources: readonly SourceSpec[]
  readonly parts: readonly Part[]
  readonly sinks: readonly SinkSpec[]
  /** What the pipeline does with records on which user code throws. */
  readonly policy: Policy
  /** What the sink of dead letters promises. */
  readonly letters: Guarantee
}

/** What happens to records on which user code throws. */
export type Policy = 'fail' | 'skip' | 'deadLetter'

/** What a sink promises. */
export type Guarantee = Sink<unknown>['guarantee']

/** Where records come from. */
export interface SourceSpec {
  readonly name: string
  readonly durability: Source<unknown>['durability']
  readonly splits: readonly SplitSpec[]
  /** Undefined: without event time. */
  readonly disorderMs: number | undefined
  /** A step inside the source, before its records have their time. */
  readonly step:
    | { readonly kind: 'map'; readonly change: Change }
    | { readonly kind: 'filter'; readonly test: Test }
    | undefined
}

/** One split, and its records. */
export interface SplitSpec {
  readonly name: string
  readonly readings: readonly Reading[]
  /** Before which of the readings there is something that cannot be decoded. */
  readonly spoiled: readonly number[]
}

/** An output of a source or part. */
export interface StreamRef {
  readonly node: string
  readonly output: string
}

interface PartCommon {
  readonly name: string
  readonly from: StreamRef
  /** Undefined: that of the pipeline. */
  readonly policy: Policy | undefined
  /** On which items its function throws. */
  readonly poison: Test | undefined
}

/** An operator, by kind. */
export type Part = PartCommon &
  (
    | { readonly kind: 'map'; readonly change: Change }
    | { readonly kind: 'filter'; readonly test: Test }
    | { readonly kind: 'flatMap'; readonly times: number }
    | { readonly kind: 'tap' }
    | { readonly kind: 'union'; readonly others: readonly StreamRef[] }
    | { readonly kind: 'split'; readonly branches: readonly Test[] }
    | {
        readonly kind: 'mapAsync'
        readonly change: Change
        readonly order: 'input' | 'none' | 'key'
        /** Undefined: the stream is not keyed. */
        readonly by: Grouping | undefined
        readonly concurrency: number
      }
    | { readonly kind: 'reduce'; readonly by: Grouping; readonly how: Joining }
    | { readonly kind: 'scan'; readonly by: Grouping; readonly how: Joining }
    | { readonly kind: 'process'; readonly by: Grouping; readonly program: Program }
    | {
        readonly kind: 'window'
        readonly by: Grouping
        readonly shape: WindowShape
        readonly aggregates: readonly AggregateSpec[]
        readonly latenessMs: number
      }
  )

/** The part of one kind. */
export type PartOf<Kind extends Part['kind']> = Extract<Part, { readonly kind: Kind }>

/** Windows: tumbling where the slide is undefined. */
export interface WindowShape {
  readonly sizeMs: number
  readonly slideMs: number | undefined
  readonly offsetMs: number
}

/** What `process` keeps for each key and does with it. */
export interface Program {
  readonly keeps: 'value' | 'list' | 'map'
  /** `silence`: one timer that is moved on with each record; `rounds`: timers at fixed times, each followed by another. */
  readonly timers: 'none' | 'silence' | 'rounds'
  /** Whether there is a result for each record, or for timers only. */
  readonly emitsAtOnce: boolean
  /** How much it keeps before it forgets. */
  readonly keepsMax: number
  /** What also goes to the side output. */
  readonly side: Test | undefined
  readonly delayMs: number
  /** How far ahead of its timer the time of a result is. */
  readonly aheadMs: number
}

/** A figure about each window. */
export interface AggregateSpec {
  /** The field of the result. */
  readonly field: string
  readonly kind: 'count' | 'sum' | 'sumBigint' | 'min' | 'max' | 'mean' | 'collect'
  /** Which items count; undefined: all. */
  readonly only: Test | undefined
}

/** Where a stream ends. */
export interface SinkSpec {
  readonly name: string
  readonly from: StreamRef
  readonly guarantee: Guarantee
}

/** The name of the sink that all dead letters go to. */
export const lettersName = 'letters'

/** The outputs of a part that others can read, the main one first. */
export function outputsOf(part: Part): readonly string[] {
  if (part.kind === 'split') return ['main', ...part.branches.map((_, index) => `branch${index}`)]
  if (part.kind === 'window') return ['main', 'late']
  return part.kind === 'process' && part.program.side !== undefined ? ['main', 'side'] : ['main']
}

/** What a part does with records on which its function throws. */
export function policyOf(topology: Topology, part: Part): Policy {
  return part.policy ?? topology.policy
}
