/** State that expires, as a user would write it. */
import { output, state, type TimedStream } from '@millrace/flow'
import { figureOf, keyOf, type Item } from './item.ts'
import type { PartOf } from './topology.ts'

/** Whether a record writes the state that it has read. */
export function writes(figure: number): boolean {
  return figure % 3 === 0
}

/** How often state was written before each record, or, with `scan`, up to it. */
export function expiryStream(
  { name, by, how }: PartOf<'expiry'>,
  input: TimedStream<Item>,
): TimedStream<Item> {
  const keyed = input.keyBy((item): Item['key'] => keyOf(by, item))
  const ttl = { after: how.afterMs, refresh: how.refresh }
  if (how.of === 'scan')
    return keyed.scan(
      name,
      () => 0,
      (count) => count + 1,
      { ttl },
    )
  return keyed.process(name, {
    output: output<Item>(),
    state: { seen: state.value<number>({ ttl }) },
    onRecord({ key, value }, { state: { seen }, emit }) {
      const before = seen.get()
      if (before === undefined || writes(figureOf(value))) seen.set((before ?? 0) + 1)
      emit({ key, value: before ?? 0 })
    },
  })
}
