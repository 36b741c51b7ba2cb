/** Records that are gathered, held back or thinned out, as a user would write it. */
import { fail, type TimedStream } from '@millrace/flow'
import { figuresEnd, remainder, type Item } from './item.ts'
import { followed, inOrder, numbered, oneByOne, type Numbered } from './numbered.ts'
import type { Pacing } from './last-shapes.ts'
import type { PartOf } from './topology.ts'

type Stream = TimedStream<Item>
type Keyed = ReturnType<typeof keyedType>
declare const keyedType: () => ReturnType<TimedStream<Numbered>['keyBy']>

/**
 * What the data decide of the results. Throws at a record that leaves out of order, twice, too early, or in a batch that is
 * too large.
 */
export function pacingStream({ name, by, how }: PartOf<'pacing'>, input: Stream): Stream {
  const records = numbered(name, input, by).keyBy(({ key }): Item['key'] => key)
  const item = { onEach: ({ emit, next }: { emit: (item: Item) => void; next: Numbered }) => emit(next.item) }
  switch (how.kind) {
    case 'batch':
      return records
        .batch(name, { size: how.size })
        .map(({ key, values }): Item => ({ key, value: [values[0]!.n, values.at(-1)!.n] }))
    case 'timedBatch':
      return followed(name, timedBatches(name, records, how), oneByOne, item)
    case 'throttle': {
      const { records: most, perMs, drops } = how
      const passed = records.throttle(name, { records: most, per: perMs, excess: drops ? 'drop' : 'wait' })
      if (!drops) return followed(name, passed, oneByOne, item)
      // The first of each key passes whatever the clock says.
      return followed(
        name,
        passed,
        (before, next, time) => inOrder(before, next, time) && (before > 0 || next.n === 1),
        {
          onEach: ({ emit, next }) => {
            if (next.n === 1) emit({ key: next.key, value: 1 })
          },
        },
      )
    }
    case 'delay': {
      const { byMs, clock } = how
      const late = records.delay(name, { by: byMs, clock })
      if (clock === 'processing') return followed(name, late, oneByOne, item)
      return followed(
        name,
        late,
        (before, next, time) => oneByOne(before, next, time) && time >= next.at + byMs,
        item,
      )
    }
    case 'debounce': {
      const quiet = records.debounce(name, { quiet: how.quietMs, clock: how.clock })
      // By the clock, the last record of each key comes in any case.
      if (how.clock === 'processing') return followed(name, quiet, inOrder, { onEnd: (last) => last })
      return quiet.map(({ key, at }) => ({ key, value: remainder(at, figuresEnd) }))
    }
    case 'sample':
      return followed(name, records.sample(name, { every: how.every }), inOrder, {
        onEach: ({ emit, next }) => emit({ key: next.key, value: next.n }),
      })
  }
}

function timedBatches(
  name: string,
  records: Keyed,
  { size, timeMs, clock }: Extract<Pacing, { kind: 'timedBatch' }>,
): TimedStream<Numbered> {
  return records.batch(name, { size, time: timeMs, clock }).flatMap(
    ({ values }) => {
      if (values.length === 0 || values.length > size) throw new Error(`a batch has ${values.length} records`)
      return values
    },
    { onError: fail() },
  )
}
