/** What the compiler refuses of evictors. Checked by `npm run check:types`; nothing here runs. */
import type { WindowedStream } from '../stream.ts'
import { count } from './count.ts'
import { evictor, type WindowRecord } from './evictor.ts'
import { trigger } from './trigger.ts'

interface Payment {
  readonly amount: number
}

declare const windows: WindowedStream<Payment, string>

const panes = { trigger: trigger.atEnd() }
const near = evictor.delta(5, (payment: Payment, last) => payment.amount - last.amount)
windows.aggregate('near', { n: count() }, { ...panes, evict: near })
windows.aggregate('last', { n: count() }, { ...panes, evict: evictor.count(3) })

const short = evictor.where((text: WindowRecord<string>) => text.value.length < 3)
// @ts-expect-error an evictor of other records
windows.aggregate('short', { n: count() }, { ...panes, evict: short })
// @ts-expect-error an evictor needs a trigger
windows.aggregate('untriggered', { n: count() }, { evict: near })
// @ts-expect-error a table has all records of its windows
windows.aggregate('table', { n: count() }, { ...panes, emit: 'updates', evict: near })
