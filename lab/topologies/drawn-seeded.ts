/** State that begins with rows, as a user would write it. */
import { fail, output, state, type TimedStream } from '@millrace/flow'
import { drawnSource } from './drawn-connectors.ts'
import { endTime } from './drawn-tables.ts'
import { figureOf, foldOf, joined, keyOf, type Item } from './item.ts'
import type { Seeded } from './last-shapes.ts'
import { markOf, seedKey, seedRows } from './seed-rows.ts'
import type { PartOf } from './topology.ts'

type Stream = TimedStream<Item>

/** What the state shows at each record, and for `process` also at the end of the input. */
export function seededStream({ name, by }: PartOf<'states'>, how: Seeded, input: Stream): Stream {
  const keyed = input.keyBy((item): Item['key'] => keyOf(by, item))
  const rows = { id: 'rows', from: rowsOf(how), key: seedKey(by) }
  switch (how.of) {
    case 'reduce':
      return keyed
        .reduce(name, (total, item) => joined('sum', total, item), { seed: { ...rows, value: (row) => row } })
        .map(({ key, value }) => ({ key, value: figureOf(value) }))
    case 'scan':
      return keyed.scan(
        name,
        () => 0,
        (count) => count + 1,
        { seed: { ...rows, value: figureOf } },
      )
    case 'process':
      return keyed.process(name, {
        onError: fail(),
        output: output<Item>(),
        state: { count: state.value<number>(), marks: state.map<number, number>() },
        seed: {
          ...rows,
          fill({ value }, { state: { count, marks }, timers }) {
            const figure = figureOf(value)
            count.set((count.get() ?? 0) + 1)
            marks.set(markOf(figure), figure)
            timers.setEvent(endTime, `row ${figure}`)
          },
        },
        onRecord({ key }, { state: { count }, emit }) {
          const next = (count.get() ?? 0) + 1
          count.set(next)
          emit({ key, value: next })
        },
        onTimer({ key, name: row }, { state: { count }, emit }) {
          emit({ key, value: [Number(row.slice(4)), count.get()!] })
        },
        onEnd({ key }, { state: { count, marks }, emit }) {
          emit({ key, value: [-1, count.get()!, foldOf([...marks.entries()].flat())] })
        },
      })
  }
}

function rowsOf({ rows, from }: Seeded) {
  const all = seedRows(rows)
  switch (from) {
    case 'array':
      return all
    case 'generator':
      return function* () {
        yield* all
      }
    case 'async':
      return async function* () {
        for (const row of all) {
          await Promise.resolve()
          yield row
        }
      }
    case 'source': {
      const readings = all.map((row, id) => ({ ...row, id, at: 0 }))
      return drawnSource({
        name: 'rows',
        durability: 'replayable',
        splits: [{ name: 'all', readings, spoiled: [] }],
        disorderMs: undefined,
        step: undefined,
      })
    }
  }
}
