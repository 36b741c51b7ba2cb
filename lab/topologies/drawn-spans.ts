/** Windows without a key, without slices that they share, or without event time, as a user would write them. */
import {
  byClock,
  calendar,
  count,
  countWindow,
  customWindows,
  evictor,
  globalWindow,
  max,
  min,
  trailing,
  trigger,
  tumbling,
  type Evictor,
  type TimedStream,
  type WindowAssigner,
  type WindowRecord,
} from '@millrace/flow'
import { figureOf, keyOf, type Item } from './item.ts'
import { followed, numbered, type Numbered } from './numbered.ts'
import type { Evicts, Spans } from './last-shapes.ts'
import type { PartOf } from './topology.ts'

/** The results, and for windows of so many records the first and the last number of each. */
export function spansStream({ name, by, how }: PartOf<'spans'>, input: TimedStream<Item>): TimedStream<Item> {
  const keyed = input.keyBy((item): Item['key'] => keyOf(by, item))
  const aggregates = { value: count<Item>(), most: max((item: Item) => figureOf(item)) }
  const records = () => numbered(name, input, by).keyBy(({ key }): Item['key'] => key)
  const parts = {
    n: count<Numbered>(),
    from: min((one: Numbered) => one.n),
    to: max((one: Numbered) => one.n),
  }
  const bounds = ({ key, n, from, to }: Bounds): Item => ({ key, value: [from, to, n] })
  switch (how.kind) {
    case 'trailing':
      return keyed.window(trailing(how.sizeMs)).aggregate(name, aggregates)
    case 'calendar':
      return keyed
        .window(calendar('day', { zone: how.zone, offset: how.offsetMs }))
        .aggregate(name, aggregates)
    case 'custom':
      return keyed.window(windowsInTurn(how)).aggregate(name, aggregates)
    case 'whole':
      return input
        .window(tumbling(how.sizeMs))
        .aggregate(name, aggregates)
        .map((result) => ({ key: 'all', ...result }))
    case 'count':
      return records()
        .window(countWindow(how.size, how.slide === undefined ? {} : { slide: how.slide }))
        .aggregate(name, parts)
        .map(bounds)
    case 'evicting': {
      const options = { trigger: trigger.records(how.every), evict: evictorOf(how.evicts) }
      return records().window(globalWindow()).aggregate(name, parts, options).map(bounds)
    }
    case 'global': {
      const options = { trigger: trigger.records(how.every), panes: how.panes }
      return records().window(globalWindow()).aggregate(name, parts, options).map(bounds)
    }
    case 'byClock': {
      const windows = records()
        .window(byClock(tumbling(how.sizeMs)))
        .aggregate(name, parts)
      // A window follows the one before if none is missing between their numbers.
      const last = windows.map(({ key, n, from, to }) => ({ key, n: to, at: from, item: { key, value: n } }))
      return followed(
        name,
        last,
        (before, { n, at, item }) => at === before + 1 && item.value === n - before,
        {
          onEnd: (to) => to,
        },
      )
    }
  }
}

/** Windows of several lengths, one after another. */
function windowsInTurn({ lengthsMs, offsetMs }: Extract<Spans, { kind: 'custom' }>): WindowAssigner {
  const allMs = lengthsMs.reduce((a, b) => a + b, 0)
  return customWindows({
    kind: 'windows in turn',
    version: 1,
    windowOf(time) {
      let start = Math.floor((time - offsetMs) / allMs) * allMs + offsetMs
      for (const lengthMs of lengthsMs) {
        if (time < start + lengthMs) return { start, end: start + lengthMs }
        start += lengthMs
      }
      throw new Error(`no window has the time ${time}`)
    },
  })
}

function evictorOf({ kind, keeps, when }: Evicts): Evictor<Numbered> {
  if (kind === 'count') return evictor.count(keeps, { when })
  return evictor.where(({ value }: WindowRecord<Numbered>) => value.n % 2 === 0, { when })
}

interface Bounds {
  readonly key: Item['key']
  readonly n: number
  readonly from: number
  readonly to: number
}
