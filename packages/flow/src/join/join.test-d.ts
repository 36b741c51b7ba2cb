/** What the compiler infers of joins, and what it refuses. Checked by `npm run check:types`; nothing here runs. */
import { expectTypeOf } from 'vitest'
import type { SourceStream, TimedStream } from '../stream.ts'
import type { Window } from '../window/assigner.ts'
import { tumbling } from '../window/tumbling.ts'
import { join } from './join.ts'
import type { JoinedStream } from './joining-streams.ts'

interface Order {
  readonly id: string
  readonly total: number
}

interface Payment {
  readonly order: string
  readonly number: number
}

declare const orders: TimedStream<Order>
declare const payments: TimedStream<Payment>
declare const plainOrders: SourceStream<Order>
declare const plainPayments: SourceStream<Payment>

const byId = orders.keyBy((order) => order.id)
const byOrder = payments.keyBy((payment) => payment.order)
const joining = join(byId, byOrder)

const paid = joining.between('-5m', '1h', { excludeUpper: true }).left('paid', (order, payment) => {
  expectTypeOf(order).toEqualTypeOf<Order>()
  expectTypeOf(payment).toEqualTypeOf<Payment | undefined>()
  return { id: order.id, number: payment?.number }
})
expectTypeOf(paid).toEqualTypeOf<JoinedStream<{ id: string; number: number | undefined }, Order, Payment>>()
expectTypeOf(paid.lateRight).toEqualTypeOf<TimedStream<Payment>>()

joining.between(0, 1).inner('inner', (order, payment) => {
  expectTypeOf([order, payment] as const).toEqualTypeOf<readonly [Order, Payment]>()
})
joining.between(0, 1).full('full', (order, payment) => {
  expectTypeOf(order).toEqualTypeOf<Order | undefined>()
  expectTypeOf(payment).toEqualTypeOf<Payment | undefined>()
})
joining.window(tumbling('1m')).cogroup('groups', ({ key, window, left, right }) => {
  expectTypeOf(key).toEqualTypeOf<string>()
  expectTypeOf(window).toEqualTypeOf<Window>()
  expectTypeOf(left).toEqualTypeOf<readonly Order[]>()
  expectTypeOf(right).toEqualTypeOf<readonly Payment[]>()
})
expectTypeOf(joining.window(tumbling('1m')).anti('anti')).toEqualTypeOf<JoinedStream<Order, Order, Payment>>()
joining.asOf({ validFor: '1d' }).inner('as-of', (_, payment) => {
  expectTypeOf(payment).toEqualTypeOf<Payment>()
})

// @ts-expect-error every operator with state has a name
joining.between(0, 1).inner((order: Order) => order.id)

// @ts-expect-error operators do not wait
joining.between(0, 1).inner('async', async (order) => order.id)

const byNumber = payments.keyBy((payment) => payment.number)
// @ts-expect-error TheKeysOfTheTwoStreamsHaveDifferentTypes
join(byId, byNumber)

const plainById = plainOrders.keyBy((order) => order.id)
const plainByOrder = plainPayments.keyBy((payment) => payment.order)
// @ts-expect-error JoinsNeedEventTime
join(plainById, plainByOrder)
// @ts-expect-error OneStreamHasTimestampsAndTheOtherHasNone
join(byId, plainByOrder)
