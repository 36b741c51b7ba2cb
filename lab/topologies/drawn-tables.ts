/** Tables, as a user would write them. What comes out of each are its rows at the end of the input. */
import {
  count,
  enrich,
  fail,
  joinByForeignKey,
  joinTables,
  max,
  output,
  state,
  sum,
  type Table,
  type TimedStream,
} from '@millrace/flow'
import type { Key } from '@millrace/core'
import { figureOf, foldOf, keyOf, type Item } from './item.ts'
import { textOf } from './known-stream.ts'
import { enrichedFigure, groupOf, isDeleted, pairFigure, referenceOf, referredOf } from './table-values.ts'
import type { PartOf } from './topology.ts'

type Stream = TimedStream<Item>
/** A table of figures. */
export type Figures = Table<number, Key>

/** The final rows of a table, or the records that `keepFirst` keeps. */
export function tableStream(part: PartOf<'table'>, left: Stream, right: () => Stream): Stream {
  const { name, how } = part
  const keyed = left.keyBy((item) => keyOf(part.by, item))
  const order = (a: number, b: number): number => b - a
  const figures = (): Figures => figuresOf(`${name} left`, left, (item) => keyOf(part.by, item))
  switch (how.kind) {
    case 'first':
      return keyed.keepFirst(name, { within: how.withinMs })
    case 'topOfStream': {
      const top = keyed.topN(name, { n: how.n, order: (a, b) => order(figureOf(a), figureOf(b)), rank: true })
      return atEnd(
        name,
        top.map(({ value }) => figureOf(value)),
      )
    }
    case 'topOfTable': {
      const { n, offset } = how
      const top = figures().groupBy(groupOf).topN(name, { n, offset, order, rank: true })
      return atEnd(
        name,
        top.map(({ value }) => value),
      )
    }
    case 'aggregate': {
      const results = figures()
        .groupBy(groupOf)
        .aggregate(
          name,
          aggregatesOf((figure: number) => figure),
        )
      return atEnd(
        name,
        results.map(({ n, most, total }) => foldOf([n, most, total])),
      )
    }
    case 'running': {
      const results = keyed.aggregate(name, aggregatesOf(figureOf))
      return atEnd(
        name,
        results.map(({ n, most, total }) => foldOf([n, most, total])),
      )
    }
    case 'byKey': {
      const tables = {
        left: figures(),
        right: figuresOf(`${name} right`, right(), (item) => keyOf(part.by, item)),
      }
      const joined = joinTables(tables).outer(name, { required: how.required })
      return atEnd(
        name,
        joined.map((row) => pairFigure(row.left, row.right)),
      )
    }
    case 'enrich': {
      const keys = keyed.toTable(`${name} right`).map((_, key) => textOf(key))
      return enrich(keyed, keys)[how.join](name, (item, row: string | undefined) => ({
        key: item.key,
        value: enrichedFigure(figureOf(item), row !== undefined),
      }))
    }
    case 'view':
      return atEnd(name, viewed(name, figures()))
    case 'byForeignKey': {
      const referred: Figures = figuresOf(`${name} right`, right(), (item) => referredOf(figureOf(item)))
      const joined = joinByForeignKey(figures(), referred, referenceOf)[how.join](name, pairFigure)
      return atEnd(name, joined)
    }
  }
}

function viewed(name: string, table: Figures): Figures {
  table.toView(viewName(name))
  return table
}

/** The name of the view of a table. */
export function viewName(name: string): string {
  return `${name} view`
}

/** Number, maximum and sum of figures. */
function aggregatesOf<T>(figure: (value: T) => number) {
  return { n: count<T>(), most: max(figure), total: sum(figure) }
}

/** The figures of the newest items. */
export function figuresOf(name: string, stream: Stream, key: (item: Item) => Key): Figures {
  return stream
    .keyBy(key)
    .toTable(name, { deleteIf: (item) => isDeleted(figureOf(item)) })
    .map(figureOf)
}

/** Later than every event. */
export const endTime = 8e15

/** How the changes of a table are read. */
interface Reading {
  /** Whether an update repeats the old row. */
  readonly updateBefore?: boolean
  /**
   * Whether a row may be inserted again, as windows do after the end of a run. `counted`: results say how often it was.
   */
  readonly inserts?: 'once' | 'several' | 'counted'
}

/** The rows that the changes of a table have left at the end. Throws at a change that is not possible. */
export function atEnd(
  name: string,
  table: Table<number, Key>,
  { updateBefore = true, inserts: mayInsert = 'once' }: Reading = {},
): Stream {
  return table
    .toStream({ updateBefore })
    .keyBy(({ key }) => key)
    .process(`${name} rows`, {
      onError: fail(),
      output: output<Item>(),
      state: {
        row: state.value<number>(),
        isChanging: state.value<boolean>(),
        inserts: state.value<number>(),
      },
      onRecord({ value: { kind, key, value } }, { state: { row, isChanging, inserts }, timers }) {
        const known = row.get()
        const isPossible =
          kind === 'insert' ? mayInsert !== 'once' || known === undefined : known !== undefined
        const isRight = kind === 'insert' || kind === 'updateAfter' || known === value
        const isSecond = updateBefore && kind === 'updateAfter'
        if (!isPossible || !isRight || isSecond !== (isChanging.get() ?? false)) {
          throw new Error(`${kind} of ${value} where the row of ${textOf(key)} is ${String(known)}`)
        }
        isChanging.set(kind === 'updateBefore')
        if (kind === 'insert') inserts.set((inserts.get() ?? 0) + 1)
        if (kind === 'delete') row.clear()
        else row.set(value)
        timers.setEvent(endTime)
      },
      onTimer({ key }, { state: { row, inserts }, emit }) {
        const value = row.get()
        if (value !== undefined)
          emit({ key, value: mayInsert === 'counted' ? [value, inserts.get()!] : value })
      },
    })
}
