/** What the compiler infers of tables, and what it refuses. Checked by `npm run check:types`; nothing here runs. */
import type { Change } from '@millrace/core'
import type { ChangeSink, Sink } from '@millrace/core/connector'
import { expectTypeOf } from 'vitest'
import type {
  FirstRecords,
  NewestRows,
  RankedValue,
  SourceStream,
  StreamOf,
  Table,
  TimedStream,
} from '../stream.ts'
import { count } from '../window/count.ts'
import { max } from '../window/extreme.ts'
import { enrich } from './enrich.ts'
import { joinByForeignKey } from './join-by-foreign-key.ts'
import { joinTables } from './join-tables.ts'

interface Opened {
  readonly kind: 'opened'
  readonly id: string
  readonly total: number
}

interface Closed {
  readonly kind: 'closed'
  readonly id: string
}

declare const events: TimedStream<Opened | Closed>
declare const untimed: SourceStream<Opened>
declare const appends: Sink<unknown>
declare const applies: ChangeSink<Opened, string>
declare const appliesTotals: ChangeSink<number, string>

const byId = events.keyBy((event) => event.id)
const isClosed = (event: Opened | Closed): event is Closed => event.kind === 'closed'
const open = byId.toTable('open', { deleteIf: isClosed, expireAfter: '1d' })

expectTypeOf(open).toEqualTypeOf<NewestRows<Opened, string, Opened | Closed>>()
expectTypeOf(open.late).toEqualTypeOf<TimedStream<Opened | Closed>>()
expectTypeOf(byId.toTable('all')).toEqualTypeOf<NewestRows<Opened | Closed, string, Opened | Closed>>()
expectTypeOf(byId.toTable('all', { deleteIf: (event) => event.id === '' })).toEqualTypeOf<
  NewestRows<Opened | Closed, string, Opened | Closed>
>()
expectTypeOf(open.map((row) => row.total)).toEqualTypeOf<Table<number, string>>()
expectTypeOf(open.toStream()).toEqualTypeOf<TimedStream<Change<Opened, string>>>()
expectTypeOf(open.toStream({ updateBefore: false })).toEqualTypeOf<
  TimedStream<Change<Opened, string, 'insert' | 'updateAfter' | 'delete'>>
>()
expectTypeOf(
  untimed
    .keyBy((event) => event.id)
    .toTable('rows')
    .toStream(),
).toEqualTypeOf<StreamOf<Change<Opened, string>, 'untimed'>>()

expectTypeOf(byId.aggregate('figures', { n: count() })).toEqualTypeOf<
  Table<{ readonly key: string; readonly n: number }, string>
>()

open.to('rows', applies)
open.toStream().to('changes', appends)
open.toStream().to('changes-too', applies)
open.map((row) => row.total).to('totals', appliesTotals)

// @ts-expect-error ATableChangesItsRowsAndThisSinkOnlyAppends
open.to('rows', appends)
// @ts-expect-error the sink has other rows
open.to('rows', appliesTotals)
// @ts-expect-error a row is never undefined
open.map(() => undefined)
// @ts-expect-error operators do not wait
open.map(async (row) => row.total)
// @ts-expect-error rows expire by event time only
untimed.keyBy((event) => event.id).toTable('rows', { expireAfter: '1d' })

const byTotal = open.groupBy((row) => row.total)
expectTypeOf(byTotal.aggregate('figures', { n: count(), last: max((row) => row.id) })).toEqualTypeOf<
  Table<{ readonly key: number; readonly n: number; readonly last: string }, number>
>()
const order = (a: Opened, b: Opened): number => a.total - b.total
expectTypeOf(byTotal.topN('top', { n: 3, order })).toEqualTypeOf<
  Table<Opened, readonly [group: number, key: string]>
>()
expectTypeOf(byTotal.topN('top', { n: (total) => total + 1, order, rank: true })).toEqualTypeOf<
  Table<RankedValue<number, Opened>, readonly [group: number, rank: number]>
>()
expectTypeOf(byId.keepFirst('first', { within: '1h' })).toEqualTypeOf<FirstRecords<Opened | Closed>>()

// @ts-expect-error duplicates are bounded in time
byId.keepFirst('first')
// @ts-expect-error times are needed
untimed.keyBy((event) => event.id).keepFirst('first', { within: '1h' })
// @ts-expect-error an order returns a number
byTotal.topN('top', { n: 3, order: (a, b) => a.total < b.total })
// @ts-expect-error a result has its key under that name
byTotal.aggregate('figures', { key: count() })
// @ts-expect-error a table is no stream: its changes are not records
open.keyBy((row: Opened) => row.id)

interface Payment {
  readonly order: string
  readonly amount: number
}

declare const payments: TimedStream<Payment>
declare const plainPayments: SourceStream<Payment>
const byOrder = payments.keyBy((payment) => payment.order)
const paid = byOrder.toTable('paid')
const byAmount = payments.keyBy((payment) => payment.amount).toTable('by-amount')
const plainPaid = plainPayments.keyBy((payment) => payment.order).toTable('plain-paid')
const both = joinTables({ order: open, payment: paid })

expectTypeOf(both.inner('both')).toEqualTypeOf<
  Table<{ readonly order: Opened; readonly payment: Payment }, string>
>()
expectTypeOf(both.outer('both', { required: ['order'] })).toEqualTypeOf<
  Table<{ readonly order: Opened; readonly payment: Payment | undefined }, string>
>()
expectTypeOf(both.outer('both')).toEqualTypeOf<
  Table<{ readonly order: Opened | undefined; readonly payment: Payment | undefined }, string>
>()
// @ts-expect-error TheKeysOfTheTablesHaveDifferentTypes
joinTables({ order: open, payment: byAmount })
// @ts-expect-error there is no such table
both.outer('both', { required: ['orders'] })

const named = joinByForeignKey(byAmount, open, (payment) => payment.order)
expectTypeOf(
  named.left('named', (payment, order) => {
    expectTypeOf(payment).toEqualTypeOf<Payment>()
    expectTypeOf(order).toEqualTypeOf<Opened | undefined>()
    return payment.amount
  }),
).toEqualTypeOf<Table<number, number>>()
// @ts-expect-error a foreign key is a key of the other table
joinByForeignKey(byAmount, open, (payment) => payment.amount)
// @ts-expect-error one table has event time and the other has none
joinByForeignKey(open, plainPaid, (order) => order.id)

expectTypeOf(
  enrich(byOrder, open).inner('rich', (payment, order) => payment.amount + order.total),
).toEqualTypeOf<TimedStream<number>>()
enrich(byOrder, plainPaid).left('rich', (_, payment) => {
  expectTypeOf(payment).toEqualTypeOf<Payment | undefined>()
})
// @ts-expect-error TheKeysOfTheTwoStreamsHaveDifferentTypes
enrich(byOrder, byAmount)
const plainByOrder = plainPayments.keyBy((payment) => payment.order)
// @ts-expect-error the stream needs event time
enrich(plainByOrder, open)
