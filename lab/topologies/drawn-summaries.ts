/** Windows with one result or a table of results, and tables in other forms, as a user would write them. */
import type { Key } from '@millrace/core'
import { count, countDistinct, max, session, sliding, top, trigger, type TimedStream } from '@millrace/flow'
import { sketchesStream } from './drawn-sketches.ts'
import { atEnd, figuresOf } from './drawn-tables.ts'
import { figureOf, foldOf, keyOf, type Item } from './item.ts'
import type { SlidingSpans } from './last-shapes.ts'
import { bestOf, groupOf, isKept, mostOf, sortOf, summaryFigure } from './table-values.ts'
import type { PartOf } from './topology.ts'

type Stream = TimedStream<Item>

const aggregates = {
  distinct: countDistinct((item: Item) => sortOf(figureOf(item))),
  best: top(bestOf, (a: Item, b: Item) => figureOf(b) - figureOf(a)),
}

const windowsOf = ({ slideMs, overlap }: SlidingSpans) => sliding({ size: slideMs * overlap, slide: slideMs })

/** The results of windows, or the rows that a table has at the end of the input. */
export function summaryStream(part: PartOf<'summary'>, input: Stream): Stream {
  const { name, by, how } = part
  const keyed = input.keyBy((item) => keyOf(by, item))
  const figures = () => figuresOf(`${name} table`, input, (item) => keyOf(by, item))
  switch (how.kind) {
    case 'final': {
      const options = { emit: 'final', allowedLateness: how.spans.latenessMs } as const
      const results = keyed.window(windowsOf(how.spans)).aggregate(name, aggregates, options)
      return results.map(({ key, window, distinct, best }) => ({
        key: { key, window: { ...window } },
        value: summaryFigure(distinct, best.map(figureOf)),
      }))
    }
    case 'updates': {
      const { early, spans } = how
      const rows = keyed.window(windowsOf(spans)).aggregate(name, aggregates, {
        emit: 'updates',
        allowedLateness: spans.latenessMs,
        ...(early !== undefined && { trigger: trigger.atEnd().early(trigger.records(early)) }),
      })
      const values = rows.map(({ distinct, best }) => summaryFigure(distinct, best.map(figureOf)))
      return atEnd(name, values, { inserts: 'counted' })
    }
    case 'filter':
      return atEnd(name, figures().filter(isKept))
    case 'upserts':
      return atEnd(name, figures(), { updateBefore: false })
    case 'topRows': {
      const best = figures()
        .groupBy(groupOf)
        .topN(name, { n: mostOf, order: (a, b) => b - a })
      return withoutNumbers(atEnd(name, best))
    }
    case 'topRecords': {
      const { n, offset } = how
      const order = (a: Item, b: Item): number => figureOf(b) - figureOf(a)
      return withoutNumbers(atEnd(name, keyed.topN(name, { n, offset, order }).map(figureOf)))
    }
    case 'sessionRows': {
      const { gapMs, early } = how
      const rows = keyed.window(session(gapMs)).aggregate(
        name,
        { n: count<Item>(), most: max(figureOf) },
        {
          emit: 'updates',
          ...(early !== undefined && { trigger: trigger.atEnd().early(trigger.records(early)) }),
        },
      )
      return atEnd(
        name,
        rows.map(({ n, most }) => foldOf([n, most])),
        { inserts: 'several' },
      )
    }
    case 'sketches':
      return sketchesStream(part, how, input)
  }
}

/** The rows under their group alone: which of equal rows is left out depends on which came first. */
function withoutNumbers(rows: Stream): Stream {
  return rows.map(({ key, value }) => ({ key: (key as readonly Key[])[0]!, value }))
}
