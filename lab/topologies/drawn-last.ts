/** The parts that end in sinks of their own, as a user would write them. */
import { count, max, session, trigger, type TimedStream } from '@millrace/flow'
import { callsStream } from './drawn-calls.ts'
import { expiryStream } from './drawn-expiry.ts'
import { headersStream } from './drawn-headers.ts'
import { livingStream } from './drawn-living.ts'
import { broadcastStream, meetingStream } from './drawn-meeting.ts'
import { pacingStream } from './drawn-pacing.ts'
import { patternStream } from './drawn-pattern.ts'
import { spansStream } from './drawn-spans.ts'
import { stagesStream } from './drawn-stages.ts'
import { statesStream } from './drawn-states.ts'
import { summaryStream } from './drawn-summaries.ts'
import { tableStream } from './drawn-tables.ts'
import { paneWindowsOf } from './drawn-windows.ts'
import { figureOf, keyOf, type Item } from './item.ts'
import { lookedUp, rowOf } from './lookup-rows.ts'
import type { LastPart, PartOf } from './topology.ts'

type Stream = TimedStream<Item>

/** The results of a part; `other` is its second input. */
export function lastStream(part: LastPart, input: Stream, other: () => Stream): Stream {
  switch (part.kind) {
    case 'meeting':
      return meetingStream(part, input, other())
    case 'session':
      return sessionStream(part, input)
    case 'table':
      return tableStream(part, input, other)
    case 'pattern':
      return patternStream(part, input)
    case 'panes':
      return panesStream(part, input)
    case 'pacing':
      return pacingStream(part, input)
    case 'expiry':
      return expiryStream(part, input)
    case 'broadcast':
      return broadcastStream(part, input, other())
    case 'spans':
      return spansStream(part, input)
    case 'lookup':
      return lookupStream(part, input)
    case 'states':
      return statesStream(part, input)
    case 'headers':
      return headersStream(part, input)
    case 'calls':
      return callsStream(part, input)
    case 'living':
      return livingStream(part, input, other)
    case 'summary':
      return summaryStream(part, input)
    case 'stages':
      return stagesStream(part, input)
  }
}

const aggregates = { value: count<Item>(), most: max((item: Item) => figureOf(item)) }

function sessionStream({ name, by, gapMs }: PartOf<'session'>, input: Stream): Stream {
  return input
    .keyBy((item) => keyOf(by, item))
    .window(session(gapMs))
    .aggregate(name, aggregates)
}

function panesStream(part: PartOf<'panes'>, input: Stream): Stream {
  const panes = input
    .keyBy((item) => keyOf(part.by, item))
    .window(paneWindowsOf(part))
    .aggregate(part.name, aggregates, { trigger: trigger.atEnd().early(trigger.records(part.early)) })
  // Early panes depend on the order of records.
  const onTime = panes.filter(({ pane }) => pane.timing === 'onTime')
  return onTime.map(({ key, window, value, most }) => ({ key, window, value, most }))
}

/** The outside system has a row for most keys, takes its time, and is asked for each key once in a call. */
function lookupStream({ name, rows, batch, kept }: PartOf<'lookup'>, input: Stream): Stream {
  return input.lookup(name, {
    key: (item) => figureOf(item) % rows,
    load: async (keys: readonly number[]) => {
      if (keys.length > batch || new Set(keys).size < keys.length)
        throw new Error(`asked for ${keys.join(', ')}, at most ${batch} at once`)
      for (let hop = keys.length % 4; hop > 0; hop--) await Promise.resolve()
      return new Map(keys.flatMap((key) => (rowOf(key) === undefined ? [] : [[key, rowOf(key)!]])))
    },
    combine: lookedUp,
    batchSize: batch,
    ...(kept > 0 && { cache: { ttl: 20, maxEntries: kept } }),
  })
}
