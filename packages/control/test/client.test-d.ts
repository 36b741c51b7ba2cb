/** What the compiler infers of state that is read over HTTP. Checked by `npm run check:types`; nothing here runs. */
import type { Source } from '@millrace/core/connector'
import { count, pipeline } from '@millrace/flow'
import { expectTypeOf } from 'vitest'
import { client, type OperatorState } from '../src/client.ts'

interface Order {
  readonly id: string
  readonly customer: number
}

declare const orders: Source<Order>

const shop = pipeline('shop', (p) => {
  const perCustomer = p
    .from('orders', orders)
    .keyBy((order) => order.customer)
    .aggregate('totals', { n: count() })
    .toView('per-customer')
  return { perCustomer }
})

const job = client<typeof shop>('http://127.0.0.1:9090')
expectTypeOf(job.state('per-customer')).toEqualTypeOf<
  OperatorState<{ readonly key: number; readonly n: number }, number>
>()
// @ts-expect-error -- its keys are numbers
void job.state('per-customer').get('c1')

// Other operators have the types that the caller gives.
expectTypeOf(job.state<Order, number>('totals')).toEqualTypeOf<OperatorState<Order, number>>()
expectTypeOf(job.state('totals')).toEqualTypeOf<OperatorState<unknown, string>>()
expectTypeOf(client('http://127.0.0.1:9090').state<Order>('totals')).toEqualTypeOf<
  OperatorState<Order, string>
>()
