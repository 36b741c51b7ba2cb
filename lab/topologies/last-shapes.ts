/** The settings of the parts that end in sinks of their own. */
import type { AfterMatch, Part as PatternPart } from '../../packages/flow/test/pattern-reference.ts'
import type { Test } from './item.ts'

/** How records are gathered, held back or thinned out. */
export type Pacing =
  | { readonly kind: 'batch'; readonly size: number }
  | { readonly kind: 'timedBatch'; readonly size: number; readonly timeMs: number; readonly clock: Clock }
  | { readonly kind: 'throttle'; readonly records: number; readonly perMs: number; readonly drops: boolean }
  | { readonly kind: 'delay'; readonly byMs: number; readonly clock: Clock }
  | { readonly kind: 'debounce'; readonly quietMs: number; readonly clock: Clock }
  | { readonly kind: 'sample'; readonly every: number }

/** The clock of an operator. */
export type Clock = 'event' | 'processing'

/** State that expires by event time. */
export interface Expiry {
  readonly afterMs: number
  readonly refresh: 'create' | 'write' | 'read'
  /** A value of `process`, or the accumulated value of `scan`. */
  readonly of: 'value' | 'scan'
}

/** Of the numbers of a key all but the last few leave, or the even ones. */
export interface Evicts {
  readonly kind: 'count' | 'where'
  readonly keeps: number
  readonly when: 'before' | 'after'
}

/** Windows without slices that they share, or without a key. */
export type Spans =
  /** Windows that end with each record. */
  | { readonly kind: 'trailing'; readonly sizeMs: number }
  /** Days of a zone that is `zoneMs` ahead of UTC, each beginning `offsetMs` after midnight. */
  | { readonly kind: 'calendar'; readonly zone: string; readonly zoneMs: number; readonly offsetMs: number }
  /** Windows over all keys. */
  | { readonly kind: 'whole'; readonly sizeMs: number }
  /** Windows of these lengths in turn, one of which begins at `offsetMs`. */
  | { readonly kind: 'custom'; readonly lengthsMs: readonly number[]; readonly offsetMs: number }
  | { readonly kind: 'count'; readonly size: number; readonly slide: number | undefined }
  | { readonly kind: 'evicting'; readonly every: number; readonly evicts: Evicts }
  | { readonly kind: 'global'; readonly every: number; readonly panes: 'accumulating' | 'discarding' }
  | { readonly kind: 'byClock'; readonly sizeMs: number }

/** An event that passes `first`, and then one that passes `second`, with none between that passes `not`. */
export interface PatternShape {
  readonly first: Test
  readonly second: Test
  readonly not: Test
  readonly withinMs: number
  /** Whether matches do not overlap. */
  readonly isApart: boolean
}

/** A pattern of all kinds of stages. */
export interface Stages {
  readonly parts: readonly PatternPart[]
  readonly withinMs: number
  readonly afterMatch: AfterMatch
}

/** What is made of tables, or of records without duplicates. */
export type TableUse =
  | { readonly kind: 'first'; readonly withinMs: number }
  | { readonly kind: 'topOfStream'; readonly n: number }
  | { readonly kind: 'topOfTable'; readonly n: number; readonly offset: number }
  | { readonly kind: 'aggregate' }
  | { readonly kind: 'byKey'; readonly required: readonly ('left' | 'right')[] }
  | { readonly kind: 'byForeignKey'; readonly join: 'inner' | 'left' }
  /** A stream with a table of itself: every record meets a row, because it waits for its own. */
  | { readonly kind: 'enrich'; readonly join: 'inner' | 'left' }
  /** Aggregates of each key without a window. */
  | { readonly kind: 'running' }
  /** A table that the program reads: its rows are those of the table. */
  | { readonly kind: 'view' }

/**
 * Windows with a trigger: one after another; three that share their start; or with pauses as long as they are.
 */
export type PaneWindows = 'tumbling' | 'cumulative' | 'paused'

/** Which records come out without a partner. */
export type Unmatched = 'inner' | 'left' | 'right' | 'full'

/** How records of two streams meet. */
export type Meeting =
  /** `connect`: it sums up the figures of both streams by rounds of this length, and timers emit the sums. */
  | { readonly kind: 'rounds'; readonly everyMs: number }
  | { readonly kind: 'window'; readonly sizeMs: number; readonly join: Unmatched }
  | {
      readonly kind: 'between'
      readonly lowerMs: number
      readonly upperMs: number
      readonly join: Unmatched
    }
  /** The version of the right stream at the time of each left record. */
  | { readonly kind: 'asOf'; readonly validForMs: number | undefined; readonly join: 'inner' | 'left' }
  /** What a window has of both streams, or which left records have a partner in it, or none. */
  | { readonly kind: 'group'; readonly sizeMs: number; readonly use: 'cogroup' | 'semi' | 'anti' }

/** What a `process` keeps for each key besides a value, a list or a map that lives on. */
export type Kept =
  | { readonly kind: 'orderedMap' | 'reducing' | 'aggregating' }
  /** What was valid so long before each record is looked up. */
  | { readonly kind: 'versioned'; readonly backMs: number }
  | Lives
  | Seeded
  /** The timers that a key has, and those that are left when one of them fires. */
  | { readonly kind: 'timers'; readonly usesClock: boolean }
  /** The watermark at each record. */
  | { readonly kind: 'watermark' }

/** State that begins with rows. */
export interface Seeded {
  readonly kind: 'seeded'
  readonly of: 'process' | 'reduce' | 'scan'
  readonly rows: number
  /** Where the rows come from. */
  readonly from: 'array' | 'generator' | 'async' | 'source'
}

/** State of which some writes say how long their value lives. */
export interface Lives {
  readonly kind: 'lives'
  readonly of: 'value' | 'list' | 'map' | 'reducing'
  /** How long a value of any other write lives; undefined: it does not expire. */
  readonly afterMs: number | undefined
  readonly refresh: Expiry['refresh']
  /** How long that of a write lives that says so. */
  readonly ownMs: number
}

/** Which operators the headers of records pass through. */
export interface Passing {
  readonly through: 'steps' | 'calls' | 'delay' | 'process'
}

/** Calls for records. */
export interface Calls {
  /** `key`: those of a key are made one after another. */
  readonly order: 'input' | 'none' | 'key'
  readonly concurrency: number
  readonly limit: CallLimit
}

/** What limits calls, or what is done about those that are slow or fail. */
export type CallLimit =
  | {
      readonly kind: 'bulkhead'
      readonly groups: number
      /** How many calls of a group may run; undefined: any number. */
      readonly concurrency: number | undefined
      /** How many may begin in a time; undefined: any number. */
      readonly calls: number | undefined
    }
  | { readonly kind: 'rate'; readonly calls: number }
  | { readonly kind: 'hedge'; readonly afterMs: number }
  | { readonly kind: 'retry'; readonly breaks: boolean }
  | { readonly kind: 'fallback' }

/** How records of tables or rows of them expire. */
export type Living =
  | { readonly kind: 'expireAfter'; readonly afterMs: number }
  | { readonly kind: 'byKey'; readonly required: readonly ('left' | 'right')[]; readonly ttl: RowTtl }
  | { readonly kind: 'byForeignKey'; readonly join: 'inner' | 'left'; readonly ttl: RowTtl }
  /** Rows that live longer than the input, which the end of the input does not change. */
  | { readonly kind: 'enrich'; readonly join: 'inner' | 'left'; readonly refresh: Expiry['refresh'] }

/** How long rows of joined tables live, in milliseconds. */
export interface RowTtl {
  readonly after: number
  readonly refresh: 'create' | 'write'
}

/** Sliding windows. */
export interface SlidingSpans {
  readonly slideMs: number
  /** In how many windows a record is. */
  readonly overlap: number
  readonly latenessMs: number
}

/** Windows with one result or a table of results, and tables in other forms. */
export type Summary =
  | { readonly kind: 'final'; readonly spans: SlidingSpans }
  | {
      readonly kind: 'updates'
      readonly spans: SlidingSpans
      /** A row is updated after so many records, too; undefined: only when its window has ended. */
      readonly early: number | undefined
    }
  /** A table without some of its rows. */
  | { readonly kind: 'filter' }
  /** A table as changes that do not repeat the old rows. */
  | { readonly kind: 'upserts' }
  /** The first rows of each group, without ranks. */
  | { readonly kind: 'topRows' }
  /** The first records of each key, without ranks. */
  | { readonly kind: 'topRecords'; readonly n: number; readonly offset: number }
  /** A table of sessions. */
  | { readonly kind: 'sessionRows'; readonly gapMs: number; readonly early: number | undefined }
  | Sketches

/** Approximate aggregates, which are checked beside the exact ones. */
export interface Sketches {
  readonly kind: 'sketches'
  /** Sliding windows, in so many of which a record is; or sessions. */
  readonly windows: { readonly slideMs: number; readonly overlap: number } | { readonly gapMs: number }
  /** How many counters frequent values have. */
  readonly counters: number
  /** The largest error of a quantile, as a share. */
  readonly error: number
}
