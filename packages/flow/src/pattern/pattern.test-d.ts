/** What the compiler infers of patterns, and what it refuses. Checked by `npm run check:types`; nothing here runs. */
import { expectTypeOf } from 'vitest'
import type { SourceStream, TimedKeyedStream, TimedStream } from '../stream.ts'
import { pattern } from './pattern.ts'

interface Order {
  readonly kind: 'order'
  readonly id: string
}

interface Payment {
  readonly kind: 'payment'
  readonly order: string
}

type Event = Order | Payment

declare const events: TimedKeyedStream<Event, string>
declare const untimed: SourceStream<Event>

const isOrder = (event: Event): event is Order => event.kind === 'order'

const paid = events.match(
  'paid',
  pattern('order', isOrder)
    .followedBy('payments', (event, { order, payments }) => {
      expectTypeOf(order).toEqualTypeOf<Order>()
      expectTypeOf(payments).toEqualTypeOf<readonly Event[]>()
      return event.kind === 'payment'
    })
    .oneOrMore()
    .followedBy(
      'last',
      (event, { order }): event is Payment => event.kind === 'payment' && event.order === order.id,
    )
    .optional()
    .next('any', () => true)
    .within('1h'),
  { afterMatch: { toLast: 'payments' } },
)
expectTypeOf(paid).toExtend<
  TimedStream<{
    readonly key: string
    readonly order: Order
    readonly payments: readonly Event[]
    readonly last: Payment | undefined
    readonly any: Event
  }>
>()
expectTypeOf(paid.timedOut).toExtend<
  TimedStream<{
    readonly key: string
    readonly timedOutAt: number
    readonly order: Order | undefined
    readonly payments: readonly Event[]
    readonly last: Payment | undefined
    readonly any: Event | undefined
  }>
>()
expectTypeOf(paid.late).toEqualTypeOf<TimedStream<Event>>()

// The compiler sees by itself that this condition narrows.
const inferred = pattern('payment', (event: Event) => event.kind === 'payment')
events.match('inferred', inferred).map(({ payment }) => expectTypeOf(payment).toEqualTypeOf<Payment>())

const pair = pattern('order', isOrder).followedBy('note', (event) => event.kind === 'payment')
events
  .match('pairs', pattern(pair).times(2).next(pattern('end', isOrder).next('tail', isOrder)).optional())
  .map(({ order, note, end }) => {
    expectTypeOf(order).toEqualTypeOf<readonly Order[]>()
    expectTypeOf(note).toEqualTypeOf<readonly Payment[]>()
    expectTypeOf(end).toEqualTypeOf<Order | undefined>()
  })

// @ts-expect-error a stage has a name of its own
pattern('order', isOrder).next('order', isOrder)

// @ts-expect-error a match has its key under that name
pattern('key', isOrder)

// @ts-expect-error only a stage that may occur several times is greedy
pattern('order', isOrder).greedy()

// @ts-expect-error how often was said
pattern('order', isOrder).times(2).oneOrMore()

// @ts-expect-error a group is not greedy
pattern(pair).times(2).greedy()

// @ts-expect-error what must not come is not optional
pattern('order', isOrder).notNext(isOrder).optional()

// @ts-expect-error conditions do not wait
pattern('order', async (event: Event) => event.kind === 'order')

const orderAlone = pattern('order', (order: Order) => order.id === '')
// @ts-expect-error a pattern of orders alone does not fit a stream of events
events.match('orders', orderAlone)

// @ts-expect-error no stage has that name
events.match('skips', pair, { afterMatch: { toFirst: 'nothing' } })

// @ts-expect-error patterns need event time
untimed.keyBy((event) => event.kind).match('paid', pair)
