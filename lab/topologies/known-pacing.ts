/** What comes of records that are gathered, held back or thinned out, from the definition. */
import { figuresEnd, remainder, type Item } from './item.ts'
import { groupsOf, isPunctual, type KnownStream } from './known-stream.ts'
import type { PartOf } from './topology.ts'

/** The results; undefined if the data do not decide them, because some record could be late. */
export function pacingOf({ by, how }: PartOf<'pacing'>, stream: KnownStream): readonly Item[] | undefined {
  const items = stream.map(({ value }) => value)
  const groups = groupsOf(stream, by)
  const numbers = (size: number): readonly number[] => Array.from({ length: size }, (_, index) => index + 1)
  switch (how.kind) {
    case 'batch':
      return groups.flatMap(({ key, records: { length } }) =>
        numbers(length)
          .filter((n) => n % how.size === 1 || how.size === 1)
          .map((first) => ({ key, value: [first, Math.min(first + how.size - 1, length)] })),
      )
    case 'timedBatch':
    case 'delay':
      return items
    case 'throttle':
      return how.drops ? groups.map(({ key }) => ({ key, value: 1 })) : items
    case 'debounce': {
      if (how.clock === 'processing')
        return groups.map(({ key, records }) => ({ key, value: records.length }))
      if (!stream.every(isPunctual)) return undefined
      return groups.flatMap(({ key, records }) => {
        const times = [...new Set(records.map(({ time }) => time))].toSorted((a, b) => a - b)
        return times
          .filter((time, index) => times[index + 1] === undefined || times[index + 1]! >= time + how.quietMs)
          .map((time) => ({ key, value: remainder(time, figuresEnd) }))
      })
    }
    case 'sample':
      return groups.flatMap(({ key, records }) =>
        numbers(records.length)
          .filter((n) => (n - 1) % how.every === 0)
          .map((value) => ({ key, value })),
      )
  }
}
