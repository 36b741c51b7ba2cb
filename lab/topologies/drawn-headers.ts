/** Headers that pass through operators, as a user would write it. */
import { output, type TimedStream } from '@millrace/flow'
import type { RecordHeaders } from '@millrace/core'
import { figureOf, keyOf, type Item } from './item.ts'
import { headersOf, timerAfterMs, withMark } from './header-values.ts'
import type { PartOf } from './topology.ts'

type Stream = TimedStream<Item>

/** Each record with what its headers say behind the operators. */
export function headersStream(part: PartOf<'headers'>, input: Stream): Stream {
  const marked = input.withHeaders((item) => headersOf(figureOf(item)))
  return passedOn(part, marked).mapWithHeaders(withMark)
}

function passedOn({ name, by, how }: PartOf<'headers'>, marked: Stream): Stream {
  const keyed = marked.keyBy((item): Item['key'] => keyOf(by, item))
  switch (how.through) {
    case 'steps': {
      const { even, rest } = marked
        .map((item) => ({ ...item }))
        .flatMap((item) => [item])
        .split(name, { even: (item) => figureOf(item) % 2 === 0 })
      return even.filter(() => true).union(rest)
    }
    case 'calls':
      return marked.mapAsync(name, async (item, _, headers: RecordHeaders) => withMark(item, headers))
    case 'delay':
      return keyed.delay(name, { by: 40 })
    case 'process':
      return keyed.process(name, {
        output: output<Item>(),
        onRecord({ value, time }, { emit, setHeaders, timers }) {
          const figure = figureOf(value)
          emit(value)
          setHeaders(headersOf(figure + 1))
          emit(value)
          timers.setEvent(time + timerAfterMs, String(figure))
        },
        onTimer({ key, name: figure }, { emit, setHeaders }) {
          emit({ key, value: Number(figure) })
          setHeaders(headersOf(Number(figure)))
          emit({ key, value: Number(figure) })
        },
      })
  }
}
