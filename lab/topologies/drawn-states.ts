/** Other kinds of state than those of drawn programs, as a user would write it. */
import { count, max, output, state, sum, type StateTtlOptions, type TimedStream } from '@millrace/flow'
import type { WriteOptions } from '@millrace/core/operator'
import { seededStream } from './drawn-seeded.ts'
import { timersStream } from './drawn-timers.ts'
import { figureOf, foldOf, keyOf, type Item } from './item.ts'
import type { Kept, Lives } from './last-shapes.ts'
import { clears, deletedBy, entryOf, livesForItself, placeOf, rangeOf } from './state-values.ts'
import { watermarkValue } from './program.ts'
import type { PartOf } from './topology.ts'

type Stream = TimedStream<Item>
type Keyed = ReturnType<typeof keyedType>
declare const keyedType: () => ReturnType<Stream['keyBy']>

/** What the state shows at each record. */
export function statesStream(part: PartOf<'states'>, input: Stream): Stream {
  const { name, by, how } = part
  const keyed = input.keyBy((item): Item['key'] => keyOf(by, item))
  switch (how.kind) {
    case 'orderedMap':
      return orderedMap(name, keyed)
    case 'reducing':
      return reducing(name, keyed)
    case 'aggregating':
      return aggregating(name, keyed)
    case 'versioned':
      return versioned(name, how, keyed)
    case 'lives':
      return lives(name, how, keyed)
    case 'seeded':
      return seededStream(part, how, input)
    case 'timers':
      return timersStream(part, how.usesClock, input)
    case 'watermark':
      return watermarks(name, keyed)
  }
}

function watermarks(name: string, keyed: Keyed): Stream {
  return keyed.process(name, {
    output: output<Item>(),
    onRecord({ key, value }, { emit, watermark }) {
      emit({ key, value: [figureOf(value), watermarkValue(watermark())] })
    },
  })
}

function orderedMap(name: string, keyed: Keyed): Stream {
  return keyed.process(name, {
    output: output<Item>(),
    state: { counts: state.orderedMap<number, number>() },
    onRecord({ key, value }, { state: { counts }, emit }) {
      const figure = figureOf(value)
      const place = placeOf(figure)
      counts.set(place, (counts.get(place) ?? 0) + 1)
      const range = rangeOf(figure)
      const backward = [...counts.rangeBackward(range)]
      emit({ key, value: [counts.size, foldOf([...counts.range(range)].flat()), foldOf(backward.flat())] })
      const deleted = deletedBy(figure)
      if (deleted !== undefined) counts.deleteRange(deleted)
    },
  })
}

function reducing(name: string, keyed: Keyed): Stream {
  return keyed.process(name, {
    output: output<Item>(),
    state: { total: state.reducing<number>((total, figure) => foldOf([total, figure])) },
    onRecord({ key, value }, { state: { total }, emit }) {
      total.add(figureOf(value))
      emit({ key, value: total.get()! })
      if (clears(figureOf(value))) total.clear()
    },
  })
}

function aggregating(name: string, keyed: Keyed): Stream {
  const aggregates = {
    n: count<Item>(),
    most: max((item: Item) => figureOf(item)),
    total: sum((item: Item) => figureOf(item)),
  }
  return keyed.process(name, {
    output: output<Item>(),
    state: { all: state.aggregating<Item>()(aggregates) },
    onRecord({ key, value }, { state: { all }, emit }) {
      all.add(value)
      const { n, most, total } = all.get()!
      emit({ key, value: [n, most, total] })
      if (clears(figureOf(value))) all.clear()
    },
  })
}

function versioned(name: string, { backMs }: Extract<Kept, { kind: 'versioned' }>, keyed: Keyed): Stream {
  return keyed.process(name, {
    output: output<Item>(),
    state: { versions: state.versioned<number>({ retention: backMs }) },
    onRecord({ key, value, time }, { state: { versions }, emit }) {
      const figure = figureOf(value)
      if (clears(figure)) versions.delete(time)
      else versions.set(figure, time)
      const shown = [versions.getAsOf(time - backMs), versions.getAsOf(time), versions.latest()]
      emit({ key, value: shown.map((each) => each ?? -1) })
    },
  })
}

function lives(name: string, { of, afterMs, refresh, ownMs }: Lives, keyed: Keyed): Stream {
  const ttl: StateTtlOptions = { refresh, ...(afterMs !== undefined && { after: afterMs }) }
  return keyed.process(name, {
    output: output<Item>(),
    state: {
      value: state.value<number>({ ttl }),
      list: state.list<number>({ ttl }),
      map: state.map<number, number>({ ttl }),
      reducing: state.reducing<number>((total, figure) => foldOf([total, figure]), { ttl }),
    },
    onRecord({ key, value: item }, { state: { value, list, map, reducing }, emit }) {
      const figure = figureOf(item)
      const options: WriteOptions = livesForItself(figure) ? { ttl: ownMs } : {}
      if (of === 'value') {
        emit({ key, value: value.get() ?? -1 })
        value.set(figure, options)
      } else if (of === 'list') {
        emit({ key, value: foldOf(list.get()) })
        list.add(figure, options)
      } else if (of === 'map') {
        emit({ key, value: foldOf([...map.entries()].flat()) })
        map.set(entryOf(figure), figure, options)
      } else {
        emit({ key, value: reducing.get() ?? -1 })
        reducing.add(figure, options)
      }
    },
  })
}
