/** Tables whose rows expire, as a user would write them. What comes out are the rows that are left when the input has ended. */
import type { Key } from '@millrace/core'
import { enrich, joinByForeignKey, joinTables, type TimedStream } from '@millrace/flow'
import { atEnd, figuresOf } from './drawn-tables.ts'
import { figureOf, keyOf, type Item } from './item.ts'
import { textOf } from './known-stream.ts'
import { enrichedFigure, longLifeMs, pairFigure, referenceOf, referredOf } from './table-values.ts'
import type { PartOf } from './topology.ts'

type Stream = TimedStream<Item>

/** The rows that are left, or the records of a stream that meets a table. */
export function livingStream({ name, by, how }: PartOf<'living'>, left: Stream, right: () => Stream): Stream {
  const key = (item: Item): Key => keyOf(by, item)
  switch (how.kind) {
    case 'expireAfter': {
      const table = left.keyBy(key).toTable(`${name} left`, { expireAfter: how.afterMs })
      const late = table.late.map((item): Item => ({ key: item.key, value: [figureOf(item)] }))
      return atEnd(name, table.map(figureOf)).union(late)
    }
    case 'byKey': {
      const { required, ttl } = how
      const tables = {
        left: figuresOf(`${name} left`, left, key),
        right: figuresOf(`${name} right`, right(), key),
      }
      const joined = joinTables(tables).outer(name, { required, ttl })
      return atEnd(
        name,
        joined.map((row) => pairFigure(row.left, row.right)),
      )
    }
    case 'byForeignKey': {
      const referred = figuresOf(`${name} right`, right(), (item) => referredOf(figureOf(item)))
      const joining = joinByForeignKey(figuresOf(`${name} left`, left, key), referred, referenceOf)
      return atEnd(name, joining[how.join](name, pairFigure, { ttl: how.ttl }))
    }
    case 'enrich': {
      const keyed = left.keyBy(key)
      const keys = keyed.toTable(`${name} right`).map((_, of) => textOf(of))
      const combine = (item: Item, row: string | undefined): Item => ({
        key: item.key,
        value: enrichedFigure(figureOf(item), row !== undefined),
      })
      return enrich(keyed, keys)[how.join](name, combine, {
        ttl: { after: longLifeMs, refresh: how.refresh },
      })
    }
  }
}
