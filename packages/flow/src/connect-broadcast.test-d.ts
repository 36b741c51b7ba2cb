import { memory } from '@millrace/connector-memory'
import { expectTypeOf } from 'vitest'
import { connectBroadcast } from './connect-broadcast.ts'
import { output } from './operators/process.ts'
import { state } from './operators/state-spec.ts'
import { pipeline } from './pipeline.ts'
import type { TimedStream } from './stream.ts'

pipeline('p', (p) => {
  const numbers = p.from('numbers', memory.read([1])).withTimestamps({ timestamp: (n) => n })
  const untimed = p.from('names', memory.read(['a']))
  const names = untimed.withTimestamps({ timestamp: () => 0 })
  const joined = connectBroadcast(
    numbers.keyBy((n) => n % 2),
    names,
  ).process('p', {
    output: output<string>(),
    broadcast: { last: state.value<string>(), all: state.map<string, number>(), list: state.list<number>() },
    onRecord({ key, value, time }, { broadcast: { last, all, list }, emit }) {
      expectTypeOf([key, value, time]).toEqualTypeOf<number[]>()
      expectTypeOf(last.get()).toEqualTypeOf<string | undefined>()
      expectTypeOf(all.get('a')).toEqualTypeOf<number | undefined>()
      expectTypeOf(list.get()).toEqualTypeOf<readonly number[]>()
      emit('a')
      // @ts-expect-error a keyed record reads broadcast state only
      last.set('a')
    },
    onBroadcast({ value }, context) {
      expectTypeOf(value).toEqualTypeOf<string>()
      context.broadcast.last.set(value)
      // @ts-expect-error every subtask would emit
      context.emit('a')
    },
  })
  expectTypeOf(joined).toExtend<TimedStream<string>>()
  const keyed = numbers.keyBy((n) => n)
  // @ts-expect-error one stream has event time and the other has none
  connectBroadcast(keyed, untimed)
})
