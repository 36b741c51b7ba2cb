/** What the compiler infers of two streams, and what it refuses. Checked by `npm run check:types`; nothing here runs. */
import { expectTypeOf } from 'vitest'
import { connect, type ConnectedStreams } from './connect.ts'
import { output } from './operators/process.ts'
import { state } from './operators/state-spec.ts'
import type { SourceStream, TimedStream } from './stream.ts'

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
declare const plainPayments: SourceStream<Payment>

const byId = orders.keyBy((order) => order.id)
const byOrder = payments.keyBy((payment) => payment.order)

expectTypeOf(connect(byId, byOrder)).toEqualTypeOf<ConnectedStreams<Order, Payment, string, 'timed'>>()

const paid = connect(byId, byOrder).process('paid', {
  output: output<string>(),
  outputs: { odd: output<Payment>() },
  state: { total: state.value<number>() },
  onLeft: ({ key, value, time }, { state: { total }, timers }) => {
    expectTypeOf(key).toEqualTypeOf<string>()
    expectTypeOf(value).toEqualTypeOf<Order>()
    total.set(value.total)
    timers.setEvent(time)
  },
  onRight: ({ value }, { outputs, emit }) => {
    expectTypeOf(value).toEqualTypeOf<Payment>()
    outputs.odd.emit(value)
    emit('paid')
  },
  onTimer: ({ key }, { emit }) => emit(key),
})
expectTypeOf(paid.map((id) => id)).toEqualTypeOf<TimedStream<string>>()
expectTypeOf(paid.outputs.odd).toEqualTypeOf<TimedStream<Payment>>()

const byNumber = payments.keyBy((payment) => payment.number)
// @ts-expect-error TheKeysOfTheTwoStreamsHaveDifferentTypes
connect(byId, byNumber)

const plainByOrder = plainPayments.keyBy((payment) => payment.order)
// @ts-expect-error OneStreamHasTimestampsAndTheOtherHasNone
connect(byId, plainByOrder)

// @ts-expect-error a stream without a key
connect(byId, payments)

const untimed = connect(plainByOrder, plainByOrder)

untimed.process('untimed', {
  onLeft: (record, { timers }) => {
    expectTypeOf(record).not.toHaveProperty('time')
    expectTypeOf(timers).not.toHaveProperty('setEvent')
  },
  onRight: () => {},
})

// @ts-expect-error both handlers are needed
untimed.process('half', { onLeft: () => {} })
