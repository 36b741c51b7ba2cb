/** A drawn pipeline as plain data: its sources, parts and sinks. */
import type { Sink, Source } from '@millrace/core/connector'
import type { Change, Grouping, Joining, Reading, Test } from './item.ts'
import type {
  Expiry,
  Calls,
  Kept,
  Living,
  Summary,
  Passing,
  Meeting,
  Pacing,
  PaneWindows,
  PatternShape,
  Spans,
  Stages,
  TableUse,
} from './last-shapes.ts'

/** A pipeline. Parts are in an order in which each reads only earlier ones. */
export interface Topology {
  readonly seed: number
  readonly sources: readonly SourceSpec[]
  readonly parts: readonly Part[]
  readonly sinks: readonly SinkSpec[]
  /** The policy for records on which user code throws. */
  readonly policy: Policy
  /** The guarantee of the dead-letter sink. */
  readonly letters: Guarantee
}

/** A policy for records on which user code throws. */
export type Policy = 'fail' | 'skip' | 'deadLetter'

/** The guarantee of a sink. */
export type Guarantee = Sink<unknown>['guarantee']

/** Where records come from. */
export interface SourceSpec {
  readonly name: string
  readonly durability: Source<unknown>['durability']
  readonly splits: readonly SplitSpec[]
  /** Undefined: no event time. */
  readonly disorderMs: number | undefined
  /** A step inside the source, before its records have event times. */
  readonly step:
    | { readonly kind: 'map'; readonly change: Change }
    | { readonly kind: 'filter'; readonly test: Test }
    | { readonly kind: 'flatMap'; readonly times: number }
    | { readonly kind: 'tap' }
    | undefined
  /** The readings on which the step throws. */
  readonly stepPoison?: Test
  /** The policy for undecodable bytes; absent: the pipeline's. */
  readonly policy?: Policy
  /** The readings on which the event time function throws or returns none. */
  readonly untimely?: Test
  /** The policy for those; absent: the pipeline's. */
  readonly untimelyPolicy?: Policy
  /** How long a split must be quiet to be idle; absent: it never is. */
  readonly idleAfterMs?: number
  /** What its watermark follows from besides the disorder; absent: nothing. */
  readonly watermark?: WatermarkSpec
}

/** A generator of watermarks. */
export type WatermarkSpec =
  /** It learns the disorder. */
  | { readonly kind: 'adaptive'; readonly share: number }
  /** Some records move the watermark, and the others do not. */
  | { readonly kind: 'punctuated'; readonly marks: Test }
  /** The watermark is that of so many records before. */
  | { readonly kind: 'behind'; readonly records: number }

/** One split, and its records. */
export interface SplitSpec {
  readonly name: string
  readonly readings: readonly Reading[]
  /** Before which readings there are undecodable bytes. */
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
  /** Undefined: the pipeline's. */
  readonly policy: Policy | undefined
  /** The items on which its function throws. */
  readonly poison: Test | undefined
  /** The items on which its key function throws. */
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
        /** Whether its results are generated one by one, so that an error comes after the first. */
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
        /** Longer than any call. */
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
    | {
        readonly kind: 'meeting'
        readonly other: StreamRef
        readonly by: Grouping
        readonly how: Meeting
      }
    | { readonly kind: 'session'; readonly by: Grouping; readonly gapMs: number }
    | { readonly kind: 'table'; readonly other: StreamRef; readonly by: Grouping; readonly how: TableUse }
    | { readonly kind: 'stages'; readonly by: Grouping; readonly how: Stages }
    | { readonly kind: 'pattern'; readonly by: Grouping; readonly shape: PatternShape }
    | {
        readonly kind: 'panes'
        readonly by: Grouping
        readonly windows: PaneWindows
        readonly stepMs: number
        /** After so many records there is an early pane. */
        readonly early: number
      }
    | { readonly kind: 'pacing'; readonly by: Grouping; readonly how: Pacing }
    | { readonly kind: 'expiry'; readonly by: Grouping; readonly how: Expiry }
    | {
        readonly kind: 'lookup'
        /** How many rows there could be. */
        readonly rows: number
        /** The most keys in one call. */
        readonly batch: number
        /** How many rows are kept; none: 0. */
        readonly kept: number
      }
    | {
        readonly kind: 'broadcast'
        /** The stream that is broadcast. */
        readonly other: StreamRef
        readonly by: Grouping
        /** The length of the rounds in which both streams are summed up. */
        readonly everyMs: number
      }
    | { readonly kind: 'spans'; readonly by: Grouping; readonly how: Spans }
    | { readonly kind: 'states'; readonly by: Grouping; readonly how: Kept }
    | { readonly kind: 'headers'; readonly by: Grouping; readonly how: Passing }
    | { readonly kind: 'calls'; readonly by: Grouping; readonly how: Calls }
    | { readonly kind: 'living'; readonly other: StreamRef; readonly by: Grouping; readonly how: Living }
    | { readonly kind: 'summary'; readonly by: Grouping; readonly how: Summary }
  )

/** Every kind of part that others can read. */
export const partKinds: readonly Exclude<Part['kind'], LastKind>[] = [
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

/** The kinds of part that are added behind the others, and end in sinks of their own. */
export const lastKinds = [
  'meeting',
  'session',
  'table',
  'pattern',
  'panes',
  'pacing',
  'expiry',
  'broadcast',
  'spans',
  'lookup',
  'states',
  'headers',
  'calls',
  'living',
  'summary',
  'stages',
] as const

/** One of them. */
export type LastKind = (typeof lastKinds)[number]

/** A part of such a kind. */
export type LastPart = PartOf<LastKind>

/** Whether a part ends in a sink of its own. */
export function isLast(part: Part): part is LastPart {
  return (lastKinds as readonly string[]).includes(part.kind)
}

/** What a part reads. */
export function inputsOf(part: Part): readonly StreamRef[] {
  if (part.kind === 'union') return [part.from, ...part.others]
  return 'other' in part ? [part.from, part.other] : [part.from]
}

/** The part of one kind. */
export type PartOf<Kind extends Part['kind']> = Extract<Part, { readonly kind: Kind }>

/** Windows: tumbling where the slide is undefined. */
export interface WindowShape {
  readonly sizeMs: number
  readonly slideMs: number | undefined
  readonly offsetMs: number
  /** The length of every other window, in a custom assigner; absent: all have one size. */
  readonly otherMs?: number
}

/** The state of `process` for each key and its use. */
export interface Program {
  readonly keeps: 'value' | 'list' | 'map'
  /**
   * `silence`: one timer that is moved by each record; `rounds`: timers at fixed times, each followed by
   * another; `clock`: it collects figures, and a processing timer emits them, regardless of the other fields.
   */
  readonly timers: 'none' | 'silence' | 'rounds' | 'clock'
  /** Whether there is a result for each record, or for timers only. */
  readonly emitsAtOnce: boolean
  /** The maximum size of its state. */
  readonly keepsMax: number
  /** The records that also go to the side output. */
  readonly side: Test | undefined
  /** How far the time of side output records is ahead; absent: not. */
  readonly sideAheadMs?: number
  /** Whether its state has custom codecs. */
  readonly hasCodecs?: boolean
  /** Whether its output for a record contains the watermark. */
  readonly tellsWatermark?: boolean
  readonly delayMs: number
  /** How far the time of a result is ahead of its timer. */
  readonly aheadMs: number
}

/**
 * Aggregates of the library; `trail` and `distinct` are custom; `countAll` and `collectAll` have no function.
 */
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

/** An aggregate of each window. */
export interface AggregateSpec {
  /** The field of the result. */
  readonly field: string
  readonly kind: AggregateKind
  /** Which items count; undefined: all. */
  readonly only: Test | undefined
}

/** The end of a stream. */
export interface SinkSpec {
  readonly name: string
  readonly from: StreamRef
  readonly guarantee: Guarantee
}

/** The name of the sink for all dead letters. */
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

/** Whether the output of a part differs from run to run. */
export function goesByClock(part: Part): boolean {
  return part.kind === 'process' && part.program.timers === 'clock'
}

/** The policy of a part for records on which its function throws. */
export function policyOf(topology: Topology, part: Part): Policy {
  return part.policy ?? topology.policy
}
