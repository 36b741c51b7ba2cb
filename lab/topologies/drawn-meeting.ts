/** Two streams that meet, as a user would write it. */
import { connect, join, output, state, tumbling, type TimedStream } from '@millrace/flow'
import { figureOf, keyOf, type Item } from './item.ts'
import { pairValue, roundsOf } from './meeting-values.ts'
import type { PartOf } from './topology.ts'

type Stream = TimedStream<Item>

/** The results of a meeting. */
export function meetingStream(part: PartOf<'meeting'>, left: Stream, right: Stream): Stream {
  const { name, by, how } = part
  const key = (item: Item): Item['key'] => keyOf(by, item)
  if (how.kind === 'rounds') return summedUp(name, how.everyMs, left.keyBy(key), right.keyBy(key))
  const joining = join(left.keyBy(key), right.keyBy(key))
  return how.kind === 'window'
    ? joining.window(tumbling(how.sizeMs))[how.join](name, pairValue)
    : joining.between(how.lowerMs, how.upperMs)[how.join](name, pairValue)
}

type Keyed = ReturnType<typeof keyedType>
declare const keyedType: () => ReturnType<Stream['keyBy']>

/** Sums by rounds of event time: a timer emits each. */
function summedUp(name: string, everyMs: number, left: Keyed, right: Keyed): Stream {
  return connect(left, right).process(name, {
    output: output<Item>(),
    state: { sums: state.map<number, number>() },
    onLeft: ({ value, time }, { state: { sums }, timers }) => {
      const round = Math.floor(time / everyMs)
      sums.set(round, roundsOf(sums.get(round) ?? 0, 0, figureOf(value)))
      timers.setEvent((round + 1) * everyMs)
    },
    onRight: ({ value, time }, { state: { sums }, timers }) => {
      const round = Math.floor(time / everyMs)
      sums.set(round, roundsOf(sums.get(round) ?? 0, 1, figureOf(value)))
      timers.setEvent((round + 1) * everyMs)
    },
    onTimer: ({ key, time }, { state: { sums }, emit }) => {
      const round = time / everyMs - 1
      emit({ key, value: [round, sums.get(round)!] })
      sums.delete(round)
    },
  })
}
