/**
 * The types of patterns: what each call adds, and what a match has in the end.
 *
 * `T` is the type of all events, `M` the stages so far: by name, how often a stage occurs and the type of its events.
 */
import type { Duration, EventTime } from '@millrace/core'
import { PatternBuilder } from './pattern-builder.ts'

declare const describes: unique symbol

/** A stage that occurs once. */
export interface Once<E> {
  readonly occurs: 'once'
  readonly event: E
}

/** A stage that may be missing. */
export interface Maybe<E> {
  readonly occurs: 'maybe'
  readonly event: E
}

/** A stage that may occur several times. */
export interface Many<E> {
  readonly occurs: 'many'
  readonly event: E
}

/** The events of a match by stage: an array if the stage may occur several times, else one event. */
export type EventsOf<M> = Flat<{
  readonly [Name in keyof M]: M[Name] extends Many<infer E>
    ? readonly E[]
    : M[Name] extends Maybe<infer E>
      ? E | undefined
      : M[Name] extends Once<infer E>
        ? E
        : never
}>

/** The events of a partial match by stage: any stage may be missing. */
export type PartialEventsOf<M> = Flat<{
  readonly [Name in keyof M]: M[Name] extends Many<infer E>
    ? readonly E[]
    : M[Name] extends { readonly event: infer E }
      ? E | undefined
      : never
}>

/** The same type as one object, so that an editor shows its fields. */
type Flat<T> = T extends infer All ? { [Name in keyof All]: All[Name] } : never

/** A match: the key, and the events of each stage. */
export type Match<K, M> = Flat<{ readonly key: K } & EventsOf<M>>

/** A partial match whose time is over: the key, the events so far, and when its time was over. */
export type TimedOutMatch<K, M> = Flat<
  { readonly key: K; readonly timedOutAt: EventTime } & PartialEventsOf<M>
>

/** What a condition sees of earlier events: those of the stages before, and those of its own stage as an array. */
export type EarlierOf<T, M, Name extends string> = EventsOf<M> & { readonly [Own in Name]: readonly T[] }

/** The condition of a stage. It must depend on its arguments only. */
export type StageCondition<T, M, Name extends string> = (event: T, earlier: EarlierOf<T, M, Name>) => boolean

/** The condition of a stage that narrows the type of its events. */
export type StageGuard<T, M, Name extends string, E extends T> = (
  event: T,
  earlier: EarlierOf<T, M, Name>,
) => event is E

/** A name that the pattern does not have yet; otherwise a type whose name is the reason. */
export type NewName<Name extends string, M> = Name extends 'key' | 'timedOutAt'
  ? ThisNameIsAFieldOfEveryMatch
  : Name extends keyof M
    ? ThePatternHasAStageOfThisName
    : unknown

/** A type error as a sentence. */
export interface ThisNameIsAFieldOfEveryMatch {
  readonly 'a match has its key, and the time at which it timed out, under this name; choose another one': never
}

/** A type error as a sentence. */
export interface ThePatternHasAStageOfThisName {
  readonly 'each stage of a pattern has a name of its own': never
}

/** `M` with one more stage. */
type With<M, Name extends string, Stage> = M & { readonly [New in Name]: Stage }

/** The stages of a group that repeats. */
type ManyOf<G> = {
  readonly [Name in keyof G]: G[Name] extends { readonly event: infer E } ? Many<E> : never
}

/** The stages of a group that may be missing. */
type MaybeOf<G> = {
  readonly [Name in keyof G]: G[Name] extends Once<infer E> ? Maybe<E> : G[Name]
}

/** A finished pattern of events `T` with the stages `M`. */
export interface AnyPattern<T, M> {
  /** Phantom type of events and stages; never present at run time. */
  readonly [describes]?: { readonly event: (event: T) => void; readonly stages: M }
}

/** What to look for in the events of each key. Begun by `pattern`; each call returns a new one. */
export interface Pattern<T, M> extends AnyPattern<T, M> {
  /**
   * The next event of the key belongs to this stage (strict contiguity), or there is no match.
   *
   * @example
   * pattern('up', (price: Price) => price.change > 0).next('down', (price) => price.change < 0)
   */
  next<const Name extends string, E extends T>(
    name: Name & NewName<Name, M>,
    condition: StageGuard<T, M, Name, E>,
  ): PatternStage<T, M, Name, E>
  next<const Name extends string>(
    name: Name & NewName<Name, M>,
    condition: StageCondition<T, M, Name>,
  ): PatternStage<T, M, Name, T>
  next<G>(group: AnyPattern<T, G>): PatternGroup<T, M, G>

  /**
   * The next event that meets the condition belongs to this stage; events between are ignored (relaxed contiguity).
   *
   * @example
   * pattern('order', isOrder).followedBy('payment', (event, { order }): event is Payment => event.order === order.id)
   */
  followedBy<const Name extends string, E extends T>(
    name: Name & NewName<Name, M>,
    condition: StageGuard<T, M, Name, E>,
  ): PatternStage<T, M, Name, E>
  followedBy<const Name extends string>(
    name: Name & NewName<Name, M>,
    condition: StageCondition<T, M, Name>,
  ): PatternStage<T, M, Name, T>
  followedBy<G>(group: AnyPattern<T, G>): PatternGroup<T, M, G>

  /**
   * Any later event that meets the condition belongs to this stage: each makes a match of its own (non-deterministic
   * relaxed contiguity). The number of partial matches grows with every such stage; set `within`.
   */
  followedByAny<const Name extends string, E extends T>(
    name: Name & NewName<Name, M>,
    condition: StageGuard<T, M, Name, E>,
  ): PatternStage<T, M, Name, E>
  followedByAny<const Name extends string>(
    name: Name & NewName<Name, M>,
    condition: StageCondition<T, M, Name>,
  ): PatternStage<T, M, Name, T>
  followedByAny<G>(group: AnyPattern<T, G>): PatternGroup<T, M, G>

  /**
   * The next event must not meet the condition. At the end of a pattern, the match is complete with the next event, which
   * is not part of it.
   */
  notNext(condition: (event: T, earlier: EventsOf<M>) => boolean): Pattern<T, M>

  /**
   * No event may meet the condition before the next event of the match. At the end of a pattern it needs `within`: the
   * match is complete when that time is over.
   *
   * @example
   * pattern('order', isOrder).notFollowedBy(isPayment).within('1h')
   */
  notFollowedBy(condition: (event: T, earlier: EventsOf<M>) => boolean): Pattern<T, M>

  /**
   * The last event of a match is less than `duration` after the first one, in event time. It holds for the whole pattern,
   * wherever it is called; of several the shortest counts.
   *
   * Without it a partial match is kept until it matches or fails, which may be never.
   */
  within(duration: Duration): this
}

/** A pattern that ends with a stage, of which may be said how often it occurs. */
export interface PatternStage<T, M, Name extends string, E> extends Pattern<T, With<M, Name, Once<E>>> {
  /**
   * The stage occurs `times` times, or from `times` to `most`. Other events between are ignored, unless `consecutive` or
   * `allowCombinations` is called. A match then has an array of events.
   *
   * @example
   * pattern('failed', (login: Login) => !login.ok).times(3).within('1m')
   */
  times(times: number, most?: number): PatternLoop<T, M, Name, E>
  /** The stage occurs `times` times or more. */
  atLeast(times: number): PatternLoop<T, M, Name, E>
  /** The stage occurs once or more. */
  oneOrMore(): PatternLoop<T, M, Name, E>
  /** The stage may be missing. */
  optional(): Pattern<T, With<M, Name, Maybe<E>>>
}

/** A pattern that ends with a stage that may occur several times. */
export interface PatternLoop<T, M, Name extends string, E> extends Pattern<T, With<M, Name, Many<E>>> {
  /** The stage may be missing. */
  optional(): PatternLoop<T, M, Name, E>
  /**
   * The stage takes as many events as it can: while it can take an event, nothing behind it does. At the end of a pattern
   * it needs `within` or `until`, which decide when there are no more.
   */
  greedy(): PatternLoop<T, M, Name, E>
  /** No other event may lie between those of the stage. */
  consecutive(): PatternLoop<T, M, Name, E>
  /** Events that meet the condition may be left out: each combination is a match. */
  allowCombinations(): PatternLoop<T, M, Name, E>
  /** Once the stage has begun, an event that meets the condition ends it. That event does not belong to the stage. */
  until(condition: StageCondition<T, M, Name>): PatternLoop<T, M, Name, E>
}

/** A pattern that ends with a group, of which may be said how often it occurs. */
export interface PatternGroup<T, M, G> extends Pattern<T, M & G> {
  /** The group occurs `times` times, or from `times` to `most`. */
  times(times: number, most?: number): PatternGroupLoop<T, M, G>
  /** The group occurs `times` times or more. */
  atLeast(times: number): PatternGroupLoop<T, M, G>
  /** The group occurs once or more. */
  oneOrMore(): PatternGroupLoop<T, M, G>
  /** The group may be missing. */
  optional(): Pattern<T, M & MaybeOf<G>>
}

/** A pattern that ends with a group that may occur several times. */
export interface PatternGroupLoop<T, M, G> extends Pattern<T, M & ManyOf<G>> {
  /** The group may be missing. */
  optional(): PatternGroupLoop<T, M, G>
  /** No other event may lie between one occurrence of the group and the next. */
  consecutive(): PatternGroupLoop<T, M, G>
  /** The next occurrence of the group may begin with any later event that fits. */
  allowCombinations(): PatternGroupLoop<T, M, G>
}

/**
 * Begins a pattern with a stage, or with a group: another pattern. Pass it to `match`.
 *
 * @example
 * const bruteForce = pattern('failed', (login: Login) => !login.ok)
 *   .times(3)
 *   .followedBy('success', (login) => login.ok)
 *   .within('1m')
 */
export function pattern<T, const Name extends string, E extends T>(
  name: Name & NewName<Name, {}>,
  condition: StageGuard<T, {}, Name, E>,
): PatternStage<T, {}, Name, E>
export function pattern<T, const Name extends string>(
  name: Name & NewName<Name, {}>,
  condition: StageCondition<T, {}, Name>,
): PatternStage<T, {}, Name, T>
export function pattern<T, G>(group: AnyPattern<T, G>): PatternGroup<T, {}, G>
export function pattern(first: unknown, condition?: unknown): unknown {
  return PatternBuilder.begin(first, condition)
}
