/** What the compiler knows of seeds. Checked by `npm run check:types`; nothing here runs. */
import type { Source } from '@millrace/core/connector'
import { expectTypeOf } from 'vitest'
import { pipeline } from '../pipeline.ts'
import { state } from './state-spec.ts'

interface Payment {
  readonly card: string
  readonly amount: number
  readonly at: number
}

declare const source: Source<Payment>

pipeline('seeds', (p) => {
  const keyed = p
    .from('payments', source)
    .withTimestamps({ timestamp: (payment) => payment.at })
    .keyBy((payment) => payment.card)
  const limits: readonly { readonly card: string; readonly max: number }[] = []
  keyed.process('limits', {
    state: { limit: state.value<number>() },
    seed: {
      id: 'one',
      from: limits,
      key: (limit) => limit.card,
      fill({ value, key }, context) {
        expectTypeOf(value).toEqualTypeOf<{ readonly card: string; readonly max: number }>()
        expectTypeOf(key).toEqualTypeOf<string>()
        context.state.limit.set(value.max)
        // @ts-expect-error nothing can be emitted before the first record
        context.emit(value)
      },
    },
    onRecord() {},
  })
  keyed.process('wrong', {
    // @ts-expect-error the key of a row has the type of the stream's keys
    seed: { id: 'one', from: limits, key: (limit) => limit.max, fill() {} },
    onRecord() {},
  })
  keyed.scan(
    'spent',
    () => 0,
    (spent, payment) => spent + payment.amount,
    {
      seed: {
        id: 'one',
        from: async function* () {
          yield* limits
        },
        key: ({ card }) => card,
        value: ({ max }) => max,
      },
    },
  )
  keyed.scan(
    'wrong-value',
    () => 0,
    (spent, payment) => spent + payment.amount,
    // @ts-expect-error the value has the type of what is accumulated
    { seed: { id: 'one', from: limits, key: ({ card }) => card, value: ({ card }) => card } },
  )
})
