/** Two streams that meet, as a user would write it. */
import { connect, connectBroadcast, join, output, state, tumbling, type TimedStream } from '@millrace/flow'
import { figureOf, keyOf, type Item } from './item.ts'
import { groupValue, pairValue, roundsOf } from './meeting-values.ts'
import type { PartOf } from './topology.ts'

type Stream = TimedStream<Item>

/** The results of a meeting. */
export function meetingStream(part: PartOf<'meeting'>, left: Stream, right: Stream): Stream {
  const { name, by, how } = part
  const key = (item: Item): Item['key'] => keyOf(by, item)
  if (how.kind === 'rounds') return summedUp(name, how.everyMs, left.keyBy(key), right.keyBy(key))
  const joining = join(left.keyBy(key), right.keyBy(key))
  switch (how.kind) {
    case 'window':
      return joining.window(tumbling(how.sizeMs))[how.join](name, pairValue)
    case 'between':
      return joining.between(how.lowerMs, how.upperMs)[how.join](name, pairValue)
    case 'asOf':
      return joining
        .asOf(how.validForMs === undefined ? {} : { validFor: how.validForMs })
        [how.join](name, pairValue)
    case 'group': {
      const windows = joining.window(tumbling(how.sizeMs))
      return how.use === 'cogroup' ? windows.cogroup(name, groupValue) : windows[how.use](name)
    }
  }
}

/** Sums of both streams by rounds: those of the broadcast stream are the same for each key. */
export function broadcastStream(
  { name, by, everyMs }: PartOf<'broadcast'>,
  input: Stream,
  rules: Stream,
): Stream {
  return connectBroadcast(
    input.keyBy((item): Item['key'] => keyOf(by, item)),
    rules,
  ).process(name, {
    output: output<Item>(),
    state: { own: state.map<number, number>() },
    broadcast: { all: state.map<number, number>() },
    onBroadcast({ value, time }, { broadcast: { all } }) {
      const round = Math.floor(time / everyMs)
      all.set(round, roundsOf(all.get(round) ?? 0, 1, figureOf(value)))
    },
    onRecord({ value, time }, { state: { own }, timers }) {
      const round = Math.floor(time / everyMs)
      own.set(round, roundsOf(own.get(round) ?? 0, 0, figureOf(value)))
      timers.setEvent((round + 1) * everyMs)
    },
    onTimer({ key, time }, { state: { own }, broadcast: { all }, emit }) {
      const round = time / everyMs - 1
      emit({ key, value: [round, own.get(round)!, all.get(round) ?? -1] })
      own.delete(round)
    },
  })
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
