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
    | { readonly kind: 'flatMap'; readonly times: number }
    | { readonly kind: 'tap' }
    | undefined
  /** On which readings the step throws. */
  readonly stepPoison?: Test
  /** What becomes of what cannot be decoded; absent: what the pipeline says. */
  readonly policy?: Policy
  /** On which readings the function that gives them their time throws or gives none. */
  readonly untimely?: Test
  /** What becomes of those; absent: what the pipeline says. */
  readonly untimelyPolicy?: Policy
  /** How long a split brings nothing until nobody waits for it; absent: for ever. */
  readonly idleAfterMs?: number
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
  /** On which items the function that gives them their key throws. */
  readonly keyPoison?: Test
}

/** An operator, by kind. */
export type Part = PartCommon &
  (
    | { readonly kind: 'map'; readonly change: Change }
    | { readonly kind: 'filter'; readonly test: Test }
    | {
        readonly kind: 'flatMap'
        readonly times: number
        /** Whether its results come one by one, and what throws does so after the first. */
        readonly isLazy?: boolean
      }
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
        /** Longer than any call takes. */
        readonly timeoutMs?: number
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

/** Every kind of part. */
export const partKinds: readonly Part['kind'][] = [
  'map',
  'filter',
  'flatMap',
  'tap',
  'union',
  'split',
  'mapAsync',
  'reduce',
  'scan',
  'process',
  'window',
]

/** The part of one kind. */
export type PartOf<Kind extends Part['kind']> = Extract<Part, { readonly kind: Kind }>

/** Windows: tumbling where the slide is undefined. */
export interface WindowShape {
  readonly sizeMs: number
  readonly slideMs: number | undefined
  readonly offsetMs: number
  /** Every other window is so long, in an assigner of the pipeline's own; absent: they are all of one size. */
  readonly otherMs?: number
}

/** What `process` keeps for each key and does with it. */
export interface Program {
  readonly keeps: 'value' | 'list' | 'map'
  /**
   * `silence`: one timer that is moved on with each record; `rounds`: timers at fixed times, each followed by another;
   * `clock`: it gathers figures, and a timer by the clock hands them on, whatever else is said here.
   */
  readonly timers: 'none' | 'silence' | 'rounds' | 'clock'
  /** Whether there is a result for each record, or for timers only. */
  readonly emitsAtOnce: boolean
  /** How much it keeps before it forgets. */
  readonly keepsMax: number
  /** What also goes to the side output. */
  readonly side: Test | undefined
  /** How far ahead of its record the time of what goes there is; absent: it is the same. */
  readonly sideAheadMs?: number
  /** Whether its state is written by codecs of its own. */
  readonly hasCodecs?: boolean
  /** Whether what it emits for a record tells the watermark. */
  readonly tellsWatermark?: boolean
  readonly delayMs: number
  /** How far ahead of its timer the time of a result is. */
  readonly aheadMs: number
}

/** Those of the library; of its own, the pipeline has `trail` and `distinct`; `countAll` and `collectAll` are without a function. */
export type AggregateKind =
  | 'count'
  | 'sum'
  | 'sumBigint'
  | 'min'
  | 'max'
  | 'mean'
  | 'collect'
  | 'trail'
  | 'distinct'
  | 'countAll'
  | 'collectAll'

/** A figure about each window. */
export interface AggregateSpec {
  /** The field of the result. */
  readonly field: string
  readonly kind: AggregateKind
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

/** Whether all records come from one split, and so in one order. */
export function hasOneSplit({ sources }: Pick<Topology, 'sources'>): boolean {
  return sources.length === 1 && sources[0]!.splits.length === 1
}

/** Whether what comes out of a part differs from run to run. */
export function goesByClock(part: Part): boolean {
  return part.kind === 'process' && part.program.timers === 'clock'
}

/** What a part does with records on which its function throws. */
export function policyOf(topology: Topology, part: Part): Policy {
  return part.policy ?? topology.policy
}
