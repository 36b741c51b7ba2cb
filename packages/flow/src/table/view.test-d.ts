/** What the compiler infers of views. Checked by `npm run check:types`; nothing here runs. */
import type { Key } from '@millrace/core'
import type { Job, View } from '@millrace/core/job'
import type { Source } from '@millrace/core/connector'
import { expectTypeOf } from 'vitest'
import { pipeline, type Pipeline } from '../pipeline.ts'
import type { TableView, ViewsOf } from '../stream.ts'
import { count } from '../window/count.ts'

interface Order {
  readonly id: string
  readonly customer: number
}

declare const orders: Source<Order>

declare function started<Declared>(pipeline: Pipeline<Declared>): Job<ViewsOf<Declared>>

const shop = pipeline('shop', (p) => {
  const all = p.from('orders', orders)
  const perCustomer = all
    .keyBy((order) => order.customer)
    .aggregate('totals', { n: count() })
    .toView('per-customer')
  expectTypeOf(perCustomer).toEqualTypeOf<
    TableView<'per-customer', { readonly key: number; readonly n: number }, number>
  >()
  const newest = all
    .keyBy((order) => order.id)
    .toTable('newest')
    .toView('orders')
  return { perCustomer, newest }
})

const job = started(shop)
expectTypeOf(job.view('orders')).toEqualTypeOf<View<Order, string>>()
expectTypeOf(job.view('per-customer').get(7)).toEqualTypeOf<
  { readonly key: number; readonly n: number } | undefined
>()
job.view('orders').subscribe((update) => {
  if (update.kind === 'changed') expectTypeOf(update.changes[0]!.value).toEqualTypeOf<Order>()
})
// @ts-expect-error -- its keys are numbers
job.view('per-customer').get('7')
// @ts-expect-error -- there is no such view
job.view('totals')

// One view is returned as it is.
const one = pipeline('one', (p) =>
  p
    .from('orders', orders)
    .keyBy((order) => order.id)
    .toTable('newest')
    .toView('orders'),
)
expectTypeOf(started(one).view('orders')).toEqualTypeOf<View<Order, string>>()

// Without a declaration any name is allowed, and the types are unknown.
const none = pipeline('none', (p) => {
  p.from('orders', orders)
})
expectTypeOf(started(none).view('orders')).toEqualTypeOf<View<unknown, Key>>()

// A typed pipeline and its job are accepted where any is.
expectTypeOf(shop).toExtend<Pipeline>()
expectTypeOf(job).toExtend<Job>()
