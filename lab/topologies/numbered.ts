/**
 * Numbers the records of each key, so that what becomes of them can be judged whatever the order in which they came: the numbers
 * of a key are 1, 2, 3 and so on, whichever record is first.
 */
import { fail, output, state, type TimedStream } from '@millrace/flow'
import type { Key } from '@millrace/core'
import { keyOf, type Grouping, type Item } from './item.ts'
import { textOf } from './known-stream.ts'

/** A record with its number. */
export interface Numbered {
  readonly key: Key
  readonly n: number
  /** Its event time. */
  readonly at: number
  readonly item: Item
}

/** The records of each key, numbered. */
export function numbered(name: string, input: TimedStream<Item>, by: Grouping): TimedStream<Numbered> {
  return input
    .keyBy((item): Key => keyOf(by, item))
    .process(`${name} numbers`, {
      onError: fail(),
      output: output<Numbered>(),
      state: { count: state.value<number>() },
      onRecord({ key, value: item, time: at }, { state: { count }, emit }) {
        const n = (count.get() ?? 0) + 1
        count.set(n)
        emit({ key, n, at, item })
      },
    })
}

/** Whether a record may come after the one with the number `before`, which is 0 for the first. */
export type MayFollow = (before: number, next: Numbered, time: number) => boolean

/** What has come of a key. */
export interface Followed {
  readonly emit: (item: Item) => void
  readonly next: Numbered
  readonly time: number
}

/**
 * Checks that records come in an order that `mayFollow` allows: throws at one that may not. `onEach` emits something for each,
 * and `onEnd` for the number of the last one of each key.
 */
export function followed(
  name: string,
  stream: TimedStream<Numbered>,
  mayFollow: MayFollow,
  {
    onEach,
    onEnd,
  }: { readonly onEach?: (one: Followed) => void; readonly onEnd?: (last: number) => unknown },
): TimedStream<Item> {
  return stream
    .keyBy(({ key }) => key)
    .process(`${name} check`, {
      onError: fail(),
      output: output<Item>(),
      state: { last: state.value<number>() },
      onRecord({ value: next, time }, { state: { last }, emit }) {
        const before = last.get() ?? 0
        if (!mayFollow(before, next, time)) {
          throw new Error(
            `number ${next.n} of ${textOf(next.key)} has come at ${time}, after number ${before}`,
          )
        }
        last.set(next.n)
        onEach?.({ emit, next, time })
      },
      onEnd({ key }, { state: { last }, emit }) {
        if (onEnd !== undefined) emit({ key, value: onEnd(last.get()!) })
      },
    })
}

/** None is missing. */
export const oneByOne: MayFollow = (before, { n }) => n === before + 1

/** None comes twice or back. */
export const inOrder: MayFollow = (before, { n }) => n > before
